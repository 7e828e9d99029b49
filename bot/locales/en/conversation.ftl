# Answers under pictures, what is said about them, and what is learnt from that.

## Answers

answer-sure = This is { $people }, I am sure.
answer-likely = This is { $people }, I am fairly sure.
answer-unsure = This may be { $people }, but I am not sure.
answer-known = This is { $people }.
answer-maybe = This may be { $people }.
answer-more =
    { $count ->
        [one] one more
       *[other] { $count } more
    }
answer-strangers =
    { $alone ->
        [true] { $count ->
            [one] I do not know this face.
           *[other] I know none of these { $count } faces.
        }
       *[false] { $count ->
            [one] I do not know one face.
           *[other] I do not know { $count } faces.
        }
    }
answer-picture = Picture { NUMBER($number, useGrouping: 0) }: { $text }
answer-only-first =
    { $count ->
        [one] I looked at the first picture only.
       *[other] I looked at the first { $count } pictures only.
    }
drawn-unknown = unknown

button-right = Right
button-wrong = Wrong
button-who = Who is it?
button-why = Why?

## Feedback

thanks = Thank you.
thanks-right = Thank you, good to know.
thanks-review = Thank you. I have noted it for those who may teach me here.
ask-who = Who is it?
ask-which-face = Which face do you mean?
faces-numbered =
    { $count ->
        [one] The picture with a number on the face
       *[other] The picture with numbers on { $count } faces
    }
face-label = { NUMBER($number, useGrouping: 0) }: { $name }
face-of-picture = Picture { NUMBER($picture, useGrouping: 0) }, { NUMBER($number, useGrouping: 0) }: { $name }
menu-face = Choose a face
menu-who = Choose who it is
menu-name = { $name }
menu-somebody-else = Somebody else …
menu-nobody = I do not know
form-title = Who is it?
form-name = Name
form-series = Series
form-aliases = Other names, separated by commas

learnt-right =
    Learnt: this is { $name }, whom I know from { $count ->
        [one] one picture
       *[other] { $count } pictures
    } now.
learnt-wrong = I will not take this face for { $name } again.
learnt-nothing = There is nothing to learn from this here: whom I named is gone, or is in a shared gallery. Say who it is instead.
knew = I know this picture of { $name } already.
button-undo = Undo
undone = Undone: { $change }.

## Why

why-this-face = This face
why-same-picture = The same picture
why-alike = Very alike
why-less-alike = Less alike
why-known =
    I say { $name } because this face is very much like { $count ->
        [one] the one picture that I learnt from
       *[other] the nearest of the { $count } pictures that I learnt from
    }.
why-unsure = It is most like { $name }, but { $other } is nearly as close, so I am not sure.
why-doubted = It is most like { $name }, but somebody said that a face like this is somebody else, so I am not sure.
why-unknown = The nearest that I know is { $name }, but not near enough to say that name.
why-nobody-enrolled = Nobody is enrolled yet, so I cannot name anybody.

## Reviews

review-none = There is nothing to review.
review-done = That was the last one.
review-refused = Refused. Nothing was changed.
review-right = { $who } says: this is { $right }.
review-instead = { $who } says: this is { $right }, not { $wrong }.
review-wrong = { $who } says: this is not { $wrong }.
review-count =
    { $count ->
        [one] This is the only one waiting.
       *[other] { $count } are waiting.
    }
button-accept = Accept
button-refuse = Refuse
button-skip = Skip
button-next-review = Next (of { $count })

## The log channel

log-change = { $who }: { $change }
log-undo = (undo with number { $numbers })
log-setting = { $who } has set “{ $setting }” to: { $value }
log-review = { $who } said something about an answer. Teachers can decide it with the review command.
