# What is kept of whom, and removing it.

privacy =
    I keep no posted pictures; of those on which I answered, only the faces that somebody teaches me.
    Of an answer I remember for { $answers ->
        [one] one day
       *[other] { $answers } days
    } whose picture it was, in which message, where in it a face was, and whom I named, so that the buttons work. What members say about a face I keep with their name until it is decided, and as long again.
    Of a face that somebody teaches me I keep a small cut-out, fingerprints of it, the name, when it was, and who taught me, until it is forgotten; { $undo ->
        [0] what is forgotten is gone at once.
        [one] what is forgotten can be undone for one day and is gone then.
       *[other] what is forgotten can be undone for { $undo } days and is gone then.
    } The history keeps who changed what.
    I also keep what was set here, how often I was asked, and for a week the numbers of messages, so that I answer nothing twice. Nobody in other places sees what is taught here.

button-contributions = What is kept of me?
contributions =
    { $private ->
        [true] Of you I keep, in all places together:
       *[false] Of you I keep here:
    } { $faces ->
        [one] one face
       *[other] { $faces } faces
    } that you taught me, your name in { $changes ->
        [one] one line
       *[other] { $changes } lines
    } of the history, { $answers ->
        [one] one answer
       *[other] { $answers } answers
    } to your pictures, and { $reviews ->
        [one] one remark
       *[other] { $reviews } remarks
    } that you made about answers. Shall I remove all of it? That cannot be undone. A character who has no other face is forgotten too.
contributions-none =
    { $private ->
        [true] I keep nothing of you, in no place.
       *[false] I keep nothing of you here.
    }
contributions-elsewhere = What I keep of you in all places I tell and remove in a private chat with me.
contributions-forgotten =
    { $faces ->
        [0] Removed all that I kept of you.
        [one] Removed all that I kept of you, and the one face that you taught me.
       *[other] Removed all that I kept of you, and the { $faces } faces that you taught me.
    }
log-contributions-forgotten =
    { $faces ->
        [one] Somebody has removed the one face that they had taught me. That cannot be undone.
       *[other] Somebody has removed the { $faces } faces that they had taught me. That cannot be undone.
    }
