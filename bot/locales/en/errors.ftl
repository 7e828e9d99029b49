# One sentence for each error code: what happened, then what to do. The names of the variables are those of
# the error's data.

error-error = Something went wrong. Please try again.
unexpected = Something went wrong on my side. If it happens again, tell my operator this number: { $id }

## Pictures

error-image-too-large =
    { $what ->
        [bytes] The picture is too large: { $actual ->
            [0] more than { MEGABYTES($limit) }
           *[other] { MEGABYTES($actual) }, and at most { MEGABYTES($limit) } are allowed
        }. Send it smaller.
        [pixels] The picture has { $actual } pixels; at most { $limit } are allowed. Send it smaller.
        [side] The picture is { $actual } pixels long; at most { $limit } are allowed. Send it smaller or cut it.
       *[frames] The animation has { $actual } frames; at most { $limit } are allowed. Send a part of it.
    }
error-image-unsupported = I cannot read pictures of this kind ({ $found }). Send { $allowed }.
error-image-unreadable = This file is damaged or is not a picture. Send the picture itself.
error-picture-missing = There is no picture to look at. Send one along, or reply to a message with one.
error-picture-gone = The picture was deleted, or I may not see it any more. Send it again.
error-picture-source = I do not read pictures from { $host }. Upload the picture itself.

## Faces

error-no-face = I found no drawn face in the picture.
error-ambiguous-faces = I found { $count } faces. Say which one is meant, or crop the picture to one face.
error-face-number =
    There is no face number { NUMBER($number, useGrouping: 0) }; the picture has { $count ->
        [one] one face
       *[other] { $count } faces
    }.
error-face-too-poor =
    I cannot learn from this face: { $what ->
        [size] it is only { NUMBER($actual, maximumFractionDigits: 0) } pixels wide, and { NUMBER($limit, maximumFractionDigits: 0) } are needed
        [sharpness] it is too blurred
       *[score] it is not clear enough that it is a face
    }. Send a larger, clearer picture.
error-face-gone = I do not find that face in the picture any more. Send the picture again.

## Characters

error-character-not-found =
    I know nobody called { $name }.{ $suggestions_count ->
        [0] { "" }
       *[other] { " " }Did you mean { $suggestions }?
    }
error-character-exists = { $name } is already a name of { $existing }.
error-merge-self = { $source } and { $target } are the same character already.
error-name-invalid = { $name } cannot be a name. Names have 1 to 100 visible characters.
error-sample-exists =
    This picture is enrolled already, as { $character }{ $how ->
        [identical] { "" }
       *[alike] { " " }(saved or scaled differently)
    }.
error-sample-not-found = There is no sample { $sample_id }. It may have been forgotten.
error-shared-character = { $name } is in a shared gallery, which cannot be changed from here. Ask my operator.
error-cannot-undo =
    This cannot be undone: { $reason ->
        [nothing] there is nothing left to undo
        [unknown] there is no such change here
        [kind] only what was done to single characters can be
        [done] it has been undone already
        [for_good] it was done for good
        [final] it was too long ago
        [changed] { $name } has been changed since
        [name_taken] { $name } is somebody else's name now
       *[enrolled_again] one of its pictures is enrolled as { $name } again
    }.
error-closed-set = I cannot learn anybody: I was set up to know certain characters and no others.
error-request-invalid = A service of mine did not understand what I asked of it. My operator finds the reason in the log.

## Files

error-archive-invalid = This file is not a gallery that I exported, or it is damaged.
error-file-unreadable = I cannot read this file. Send it again.
error-file-unwritable = I cannot write the file. My operator finds the reason in the log.
error-file-missing = There is no file. Send one along.
error-file-too-large = The file is too large; at most { MEGABYTES($limit) } are allowed.

## What was typed

error-argument-missing = Something is missing: { $parameter }.
error-argument-invalid = { $value } will not do for { $parameter }.
error-setting-unknown = There is no setting { $setting }.
error-setting-invalid =
    { $value } will not do for { $setting }.{ $accepted_count ->
        [0] { "" }
       *[other] { " " }It can be { $accepted }.
    }

## Who may, and how often

error-not-allowed =
    { $what ->
        [teach] Only those who may teach me here can do this. Whoever manages this place can allow you in the settings.
       *[manage] Only those who manage this place can do this.
    }
error-not-yours = Only the one who asked can answer this.
error-cooldown =
    That was a lot at once. Try again in { $seconds ->
        [one] one second
       *[other] { $seconds } seconds
    }.
error-token-unknown = This button is too old or was used already. Ask again.
error-review-settled = Somebody has decided this already.

## Try again

error-overloaded = Too much is waiting already. Try again in a moment.
error-deadline = This took too long. Try again in a moment.
error-stopped = I am being restarted. Try again in a moment.
error-gallery-unavailable = I cannot reach my gallery right now. Try again in a moment.
error-gallery-read-only = My gallery can be asked, but takes no changes right now. Try again later; my operator finds the reason in the log.
error-service-unavailable = I cannot reach a service that I need. Try again in a moment.
error-chat-store-unavailable = I cannot reach my notes right now. Try again in a moment.
error-cannot-send =
    I could not send the answer: { $reason ->
        [gone] the channel or message is gone
        [may_not_write] I may not write there
        [may_not_attach] I may not attach files there
        [too_large] it is too large
       *[platform] the chat did not take it
    }.

## The web console

error-foreign-request = This request does not come from one of my own pages, so I did nothing.
error-page-too-old = This page is too old. Load it again and repeat what you did.
error-login = This is not the token. Look where it was set, and try again.
error-page-not-found = There is no such page.
error-form-invalid = I cannot read what was sent. Load the page again and repeat what you did.

error-setup = I am not set up for this. My operator finds the reason in the log.
