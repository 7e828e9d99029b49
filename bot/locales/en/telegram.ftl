# What only Telegram makes necessary to say.

telegram-below-album = Is that right?
telegram-form =
    { $count ->
        [one] Reply to this message with: { $fields }
       *[other] Reply to this message with: { $fields }. Put | between them; what is in brackets may be left out.
    }
