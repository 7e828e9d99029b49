# 每个错误代码一句话：发生了什么，接下来怎么办。

error-error = 出了点问题，请再试一次。
unexpected = 我这边出了问题。如果再次发生，请把这个编号告诉运营者：{ $id }

## 图片

error-image-too-large =
    { $what ->
        [bytes] 图片太大（{ $actual ->
            [0] 上限为 { MEGABYTES($limit) }
           *[other] { MEGABYTES($actual) }，上限为 { MEGABYTES($limit) }
        }）。请缩小后再发。
        [pixels] 图片有 { $actual } 像素（上限为 { $limit }）。请缩小后再发。
        [side] 图片的长边有 { $actual } 像素（上限为 { $limit }）。请缩小或裁开后再发。
       *[frames] 动图有 { $actual } 帧（上限为 { $limit }）。请只发其中一段。
    }
error-image-unsupported = 我读不了这种格式（{ $found }）的图片。请发送 { $allowed }。
error-image-unreadable = 文件已损坏，或者不是图片。请直接发送图片。
error-picture-missing = 没有图片。请附上一张，或回复带图片的消息。
error-picture-gone = 图片已被删除，或者我看不到了。请重新发送。
error-picture-source = 我不读取来自 { $host } 的图片。请直接上传图片。

## 脸

error-no-face = 图中没有找到画出来的脸。
error-ambiguous-faces = 找到 { $count } 张脸。请指明是哪一张，或把图片裁到只剩一张脸。
error-face-number = 没有第 { NUMBER($number, useGrouping: 0) } 张脸，这张图有 { $count } 张脸。
error-face-too-poor =
    这张脸无法用来学习：{ $what ->
        [size] 宽度只有 { NUMBER($actual, maximumFractionDigits: 0) } 像素，至少需要 { NUMBER($limit, maximumFractionDigits: 0) } 像素
        [sharpness] 太模糊
       *[score] 看不清是不是脸
    }。请发送更大、更清晰的图片。
error-face-gone = 在图中找不到那张脸了。请重新发送图片。

## 角色

error-character-not-found =
    我不认识 { $name }。{ $suggestions_count ->
        [0] { "" }
       *[other] 你是指 { $suggestions } 吗？
    }
error-character-exists = { $name } 已经是 { $existing } 的名字。
error-merge-self = { $source } 和 { $target } 已经是同一个角色。
error-name-invalid = { $name } 不能作为名字。名字需要 1 到 100 个可见字符。
error-sample-exists =
    这张图片已经录入为 { $character }{ $how ->
        [identical] { "" }
       *[alike] （只是保存方式或大小不同）
    }。
error-sample-not-found = 没有样本 { $sample_id }，可能已被删除。
error-shared-character = { $name } 在共享图库中，不能在这里更改。请找运营者。
error-cannot-undo =
    无法撤销：{ $reason ->
        [nothing] 没有可以撤销的了
        [unknown] 这里没有这项更改
        [kind] 只能撤销对单个角色的更改
        [done] 已经撤销过了
        [for_good] 已被彻底删除
        [final] 时间太久了
        [changed] { $name } 之后又有更改
        [name_taken] { $name } 现在是别人的名字
       *[enrolled_again] 其中一张图片又录入为 { $name } 了
    }。
error-closed-set = 我学不了新角色：我被设置为只认识固定的角色。
error-request-invalid = 我的一个服务没有听懂我的请求。原因在运营者的日志里。

## 文件

error-archive-invalid = 这不是我导出的图库文件，或者文件已损坏。
error-file-unreadable = 我读不了这个文件。请重新发送。
error-file-unwritable = 我写不了文件。原因在运营者的日志里。
error-file-missing = 没有文件。请附上一个。
error-file-too-large = 文件太大，上限为 { MEGABYTES($limit) }。

## 输入

error-argument-missing = 还缺少：{ $parameter }。
error-argument-invalid = { $value } 不能用作 { $parameter }。
error-setting-unknown = 没有 { $setting } 这项设置。
error-setting-invalid =
    { $value } 不能用于 { $setting }。{ $accepted_count ->
        [0] { "" }
       *[other] 可以是 { $accepted }。
    }

## 权限与次数

error-not-allowed =
    { $what ->
        [teach] 只有可以在这里教我的人才能这样做。管理者可以在设置里允许你。
       *[manage] 只有这里的管理者才能这样做。
    }
error-not-yours = 只有被问的人才能回答。
error-cooldown = 一次太多了。请 { $seconds } 秒后再试。
error-token-unknown = 这个按钮太旧或已经用过了。请重新操作。
error-review-settled = 已经有人决定了。

## 稍后再试

error-overloaded = 排队的太多了。请稍后再试。
error-deadline = 花的时间太长了。请稍后再试。
error-stopped = 我正在重启。请稍后再试。
error-gallery-unavailable = 现在连不上图库。请稍后再试。
error-gallery-read-only = 图库现在只能查询，不能更改。请稍后再试；原因在运营者的日志里。
error-service-unavailable = 连不上需要的服务。请稍后再试。
error-chat-store-unavailable = 现在读不了我的记录。请稍后再试。
error-cannot-send =
    回答发不出去：{ $reason ->
        [gone] 频道或消息已经不在了
        [may_not_write] 我不能在那里发言
        [may_not_attach] 我不能在那里发送文件
        [too_large] 太大了
       *[platform] 聊天平台没有接受
    }。

## 网页控制台

error-foreign-request = 这个请求不是来自控制台自己的页面，所以什么也没做。
error-page-too-old = 页面太旧了。请重新加载后再操作一次。
error-login = 令牌不对，请重新输入。
error-page-not-found = 没有这个页面。
error-form-invalid = 无法读取发送的内容。请重新加载页面后再操作一次。

error-setup = 我没有为此设置好。原因在运营者的日志里。
