# Telegram でだけ必要な文。

telegram-below-album = これで合っていますか？
telegram-form =
    { $count ->
        [1] このメッセージに返信して教えてください：{ $fields }
       *[other] このメッセージに返信して教えてください：{ $fields }。間は | で区切ります。括弧の中は省略できます。
    }
