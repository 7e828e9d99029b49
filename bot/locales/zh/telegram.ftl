# 只有 Telegram 需要说的话。

telegram-below-album = 对吗？
telegram-form =
    { $count ->
        [1] 请回复这条消息：{ $fields }
       *[other] 请回复这条消息：{ $fields }。用 | 隔开；括号里的可以省略。
    }
