# What only Discord makes necessary to say.

discord-no-history = (I may not read this channel's history, so I cannot reply to your message itself. Whoever manages this server can allow me “Read Message History”.)
discord-too-late = { $name }, this took longer than Discord waits for an answer. Here it is; what only you may see, please ask for again.
discord-open-form = Press the button to go on.
