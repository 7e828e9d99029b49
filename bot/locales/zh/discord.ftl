# What only Discord makes necessary to say.

discord-no-history = （我没有读取此频道历史消息的权限，因此无法直接回复你的消息。服务器管理者可以允许我“读取消息历史记录”。）
discord-too-late = { $name }，这次处理超过了 Discord 的等待时间。结果在此；只能给你看的内容请重新请求。
discord-open-form = 请按按钮继续。
