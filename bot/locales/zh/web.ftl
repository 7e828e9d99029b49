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
web-health-work = 启动以来
web-health-pictures = 查看过的图片
web-health-quick = 回答用时
web-health-average = 平均 { NUMBER($milliseconds, maximumFractionDigits: 0) } 毫秒
web-health-within = 95 % 在 { NUMBER($seconds) } 秒以内
web-health-stages = 每张图片的用时
web-health-stage =
    { $stage ->
        [decode] 读取
        [detect] 找脸
        [embed] 计算特征
        [search] 比对
       *[annotate] 绘制
    } { NUMBER($milliseconds, maximumFractionDigits: 1) } 毫秒
web-health-waiting = 正在等待
web-health-queue =
    { $batcher ->
        [detector] 图片部分 { NUMBER($count) }
       *[embedder] 人脸 { NUMBER($count) }
    }
web-health-refused = 未能完成的
web-health-nothing-refused = 无

web-done = 完成：{ $change }。
web-pages = 页
web-earlier = 返回
web-later = 下一页
web-show-her = 查看

## 识别

web-identify-title = 这是谁？
web-identify-privacy = 图片看过就忘，只保留你命名的脸。
web-drop-title = 把图片拖到这里
web-drop-how = 也可以粘贴，或一次选择多张。
web-choose = 选择图片
web-identify-send = 识别
web-identify-waiting = 正在看图片……
web-no-face = 这张图片里没有找到画出来的脸。
web-annotated = 标出了 { $count } 张脸的图片
web-took = 用时 { NUMBER($ms, useGrouping: 0) } 毫秒
web-face = 第 { NUMBER($number, useGrouping: 0) } 张脸
web-known = 认识
web-unsure = 不确定
web-unknown = 不认识
web-somebody = 我不认识的人
web-candidates = 可能是谁
web-nearest-sample = { $name } 最相似的样本
web-similarity = 相似度，最大为 1
web-needs-script = 要说明这是谁，请允许此页面运行脚本，或在图库中登记这张图片。
web-it-is = 这是：
web-not-her = 不是{ $name }
web-name-label = 名字
web-series-label = 作品
web-teach = 教给我

## 登记

web-enroll-title = 新角色
web-enroll-how = 填写名字，并给出几张图片，最好来自不同场景。五张是不错的开始。
web-enroll-drop = 把这个角色的图片拖到这里
web-enroll-waiting = 正在学习图片……
web-looks-like = 它也像 { $other }。如果确实是，请撤销。

## 图库

web-characters = 角色
web-search = 搜索
web-search-hint = 名字、别名或作品
web-series-all = 所有作品
web-order = 排序
web-order-name = 按名字
web-order-most = 样本最多的在前
web-order-fewest = 样本最少的在前
web-found = { $count } 个角色
web-samples = { $count } 个样本
web-meant = 你是不是要找：
web-gallery-empty = 这里还没有登记任何人。请添加新角色，或在首页拖入图片并说明是谁。

## 角色

web-samples-title = 样本
web-no-samples = 没有样本，因此无法识别。请在下面添加图片。
web-sample-of = { $at } 的样本
web-is-cover = 封面
web-make-cover = 设为封面
web-ticked = 对勾选的样本
web-move-to = 移到
web-move = 移动
web-move-how = 图库里没有的名字会成为新角色。
web-forget-ticked = 忘记
web-add-title = 添加图片
web-details-title = 名字
web-save = 保存
web-merge-title = 合并
web-merge-how = 如果 { $name } 和这里的另一个角色是同一人，全部内容会移到那里，名字成为别名。
web-merge-into = 合并到
web-merge = 合并
web-forget-title = 忘记
web-for-good = 彻底忘记，什么都不留
web-forget = 忘记 { $name }

## 历史、审核、设置

web-was-undone = 已撤销
web-reviews-how = 聊天里的人对回答的意见在这里等待有权教我的人决定。
web-face-meant = 所指的脸
web-chat-away = 这个聊天没有连接，无法读取图片。
web-settings-how = 当前的值及其来源。请在来源处修改，然后重新启动。
web-set-in = 来自
web-set-default = 默认
web-secrets = 秘密
web-secret-set = 已设置
web-secret-unset = 未设置
