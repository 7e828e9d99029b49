# Teaching characters and looking after them.

## Enrolling

enrolled-new =
    Now I know { $name }, from { $count ->
        [one] one picture
       *[other] { $count } pictures
    }.
enrolled-more =
    { $count ->
        [one] Added sample number { $total } of { $name }.
       *[other] Added { $count } samples of { $name }, who has { $total } now.
    }
enroll-nothing = I could not learn anything from these pictures:
enroll-series-kept = The series stays “{ $series }”; rename the character to change it.
enroll-cancelled = Nothing was learnt.
enroll-which-face = I found { $count } faces. Which one is { $name }?
enroll-looks-like = This looks like { $other }, whom I know already. Is it { $other }, or really { $name }?
button-none-of-them = None of them
button-is-name = { $name }
button-cancel = Cancel

## Who is known

characters-none = I know nobody yet. Teach me somebody with the enroll command.
characters-none-match = I know nobody like “{ $search }”.
characters-title =
    { $count ->
        [one] One character:
       *[other] { $count } characters:
    }
characters-line =
    { $name } · { $count ->
        [one] 1 sample
       *[other] { $count } samples
    }
characters-line-series =
    { $name } ({ $series }) · { $count ->
        [one] 1 sample
       *[other] { $count } samples
    }
character-aliases = Also called { $names }.
character-shared = From a shared gallery.
character-sheet = Samples { NUMBER($first, useGrouping: 0) } to { NUMBER($last, useGrouping: 0) } of { $count }.
character-sheet-of =
    { $count ->
        [one] A picture of { $name }
       *[other] { $count } pictures of { $name }
    }
button-back = Back
button-more = Page { NUMBER($page, useGrouping: 0) } of { NUMBER($pages, useGrouping: 0) }

## Changes

renamed = { $old } is called { $name } now.
aliases-are = { $name } is also called { $names } now.
aliases-none = { $name } has no other names now.
merged =
    { $gone } is { $name } now, with { $count ->
        [one] one sample
       *[other] { $count } samples
    }.
split =
    { $count ->
        [one] One sample of { $name } is { $new } now.
       *[other] { $count } samples of { $name } are { $new } now.
    }
ask-forget =
    Shall I forget { $name } and { $count ->
        [0] that name
        [one] the one sample
       *[other] all { $count } samples
    }?
ask-forget-samples =
    { $count ->
        [one] Shall I forget this sample of { $name }?
       *[other] Shall I forget these { $count } samples of { $name }?
    }
forget-undo-days =
    { $count ->
        [one] It can be undone for one day, unless it is for good.
       *[other] It can be undone for { $count } days, unless it is for good.
    }
forget-cancelled = Nothing was forgotten.
forgot =
    Forgot { $name } and { $count ->
        [one] one sample
       *[other] { $count } samples
    }.
forgot-samples =
    { $count ->
        [one] Forgot one sample of { $name }.
       *[other] Forgot { $count } samples of { $name }.
    }
button-forget = Forget
button-forget-for-good = Forget for good

## History

history-title = The latest changes, newest first:
history-empty = Nothing was changed here yet.
history-line = { NUMBER($number, useGrouping: 0) } · { $at } · { $who } · { $change }
history-enroll =
    { $count ->
        [one] added a sample to { $name }
       *[other] added { $count } samples to { $name }
    }
history-rename = renamed { $old } to { $name }
history-alias = changed the other names of { $name }
history-merge = merged { $gone } into { $name }
history-move =
    { $count ->
        [one] moved a sample from { $name } to { $target }
       *[other] moved { $count } samples from { $name } to { $target }
    }
history-forget-character =
    forgot { $name } and { $count ->
        [one] one sample
       *[other] { $count } samples
    }
history-forget-sample = forgot a sample of { $name }
history-negative = learnt a face that is not { $name }
history-undo = undid number { NUMBER($number, useGrouping: 0) }
history-forget-contributions =
    { $count ->
        [0] removed what somebody had contributed
        [one] removed what somebody had contributed, with one sample
       *[other] removed what somebody had contributed, with { $count } samples
    }
history-import =
    { $count ->
        [one] imported one sample
       *[other] imported { $count } samples
    }
history-other = maintenance

## Files

exported =
    { $count ->
        [one] Here is everything that I know here: one sample.
       *[other] Here is everything that I know here: { $count } samples.
    }
export-nothing = I know nobody here, so there is nothing to export.
imported =
    { $count ->
        [0] I knew everything in this file already.
        [one] Imported one sample.
       *[other] Imported { $count } samples.
    }
