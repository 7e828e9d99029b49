# 网页控制台。

web-skip = 跳到正文
web-menu = 菜单
web-more = 更多
web-gallery-of = 图库
web-language = 语言
web-theme = 配色
web-theme-auto = 跟随系统
web-theme-light = 浅色
web-theme-dark = 深色
web-log-out = 退出
web-date = { $at }
web-bytes = { MEGABYTES($bytes) }

web-nav-identify = 识别
web-nav-gallery = 图库
web-nav-reviews = 审核
web-nav-history = 历史
web-nav-settings = 设置
web-nav-health = 状态

web-error-title = 没有成功
web-error-home = 回到首页

## Login

web-login-title = 登录
web-login-how = 这个控制台属于机器人的运营者。令牌就是 { $variable } 的值。
web-login-token = 令牌
web-login = 登录

## Health

web-health-since = 启动时间
web-health-gallery = 已登记
web-health-gallery-holds = { $characters } 个角色，{ $samples } 个样本
web-health-size = 图库大小
web-health-model = 模型
web-health-closed-set = 只认识固定的一组角色
web-health-chats = 聊天
web-health-no-chats = 没有连接
web-health-disk = 数据文件夹
web-health-free = 剩余 { MEGABYTES($bytes) }
web-health-python = { $version }，{ $cores } 核
