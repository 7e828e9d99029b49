# What Dareda says about itself, and its settings.

introduction =
    Hello, I am Dareda: I say who the drawn characters in pictures are. { $when } Whoever manages this place can choose where I answer, here or later with { $settings }. { $help } shows everything that I can do.
introduction-all = I answer every picture here.
introduction-asked = Until somebody sets me up here, I only answer when I am mentioned or asked with { $identify }.
introduction-private =
    Hello, I am Dareda: send me a picture of drawn characters, and I say who they are. Teach me somebody new with { $enroll }. Here you have a gallery of your own.
button-answer-all = Answer everywhere
button-answer-here = Answer in this channel
button-answer-mentioned = Answer when mentioned
button-settings = Settings

help-intro = Post a picture, and I say who is in it. Under my answer you can tell me whether it is right. These are my commands:
help-command = { $command } – { $description }

stats-gallery =
    I know { $count ->
        [one] one character
       *[other] { $count } characters
    } here, from { $samples ->
        [one] one sample
       *[other] { $samples } samples
    }.
stats-asked =
    Since { $since } I looked at { $pictures ->
        [one] one picture
       *[other] { $pictures } pictures
    } and saw { $faces ->
        [one] one face
       *[other] { $faces } faces
    }, of which I knew { $known }.
stats-feedback =
    “Right” was pressed { $right ->
        [one] once
       *[other] { $right } times
    }, “Wrong” { $wrong ->
        [one] once
       *[other] { $wrong } times
    }; I was corrected { $corrections ->
        [one] once
       *[other] { $corrections } times
    }.
stats-reviews =
    { $count ->
        [one] One remark waits for review.
       *[other] { $count } remarks wait for review.
    }

settings-title = How I behave here:
settings-changed = Changed. How I behave here now:
settings-line = { $setting }: { $value }
settings-menu = Choose what to change
settings-galleries = Switch a shared gallery on or off
settings-ids = Ids or mentions, separated by commas
settings-channels =
    { $here ->
        [true] { $count ->
            [one] this one
           *[other] { $count }, this one among them
        }
       *[false] { $count ->
            [one] another one
           *[other] { $count } others
        }
    }
settings-teachers =
    { $count ->
        [one] one role or person, and who manages this place
       *[other] { $count } roles or people, and who manages this place
    }
settings-list = { $values }
settings-rate = { NUMBER($rate, style: "percent", maximumFractionDigits: 2) }
button-type = Type …
button-this-channel = This channel
