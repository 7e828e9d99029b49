# 自我介绍和设置。

introduction =
    你好，我是 Dareda：我能认出图片里画的角色是谁。{ $when }管理者可以用下面的按钮，或以后用 { $settings } 选择我在哪里回答。我能做的一切见 { $help }。
introduction-all = 我在这里回答所有图片。
introduction-asked = 在设置之前，我只在被提到或有人使用 { $identify } 时回答。
introduction-private =
    你好，我是 Dareda：发一张角色图片给我，我就告诉你是谁。用 { $enroll } 教我新的角色。你在这里有自己的图库。
button-answer-all = 到处都回答
button-answer-here = 在这个频道回答
button-answer-mentioned = 被提到时回答
button-settings = 设置

help-intro = 发一张图片，我就告诉你是谁。可以用回答下面的按钮告诉我对不对。我的命令：
help-command = { $command } – { $description }

stats-gallery = 我在这里认识 { $count } 个角色，共 { $samples } 张样本。
stats-asked = 从 { $since } 起我看了 { $pictures } 张图片，在 { $faces } 张脸中认出了 { $known } 张。
stats-feedback = “对”被按了 { $right } 次，“不对”被按了 { $wrong } 次；我被纠正了 { $corrections } 次。
stats-reviews = 有 { $count } 条意见等待审核。

settings-title = 我在这里的设置：
settings-changed = 已更改。我在这里的设置：
settings-line = { $setting }：{ $value }
settings-menu = 选择要更改的项目
settings-galleries = 打开或关闭共享图库
settings-ids = ID 或提及，用逗号分隔
settings-channels =
    { $here ->
        [true] { $count ->
            [1] 这里
           *[other] 包括这里在内的 { $count } 个
        }
       *[false] 另外 { $count } 个
    }
settings-teachers = { $count } 个身份组或人，以及这里的管理者
settings-list = { $values }
settings-rate = { NUMBER($rate, style: "percent", maximumFractionDigits: 2) }
button-type = 输入……
button-this-channel = 这个频道
