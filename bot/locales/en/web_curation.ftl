# The web console: what needs attention, the map, statistics, archives.

web-nav-attention = Needs attention
web-nav-map = Map
web-nav-statistics = Statistics
web-nav-files = Export and import

web-number = { NUMBER($number) }
web-alike = { NUMBER($value, style: "percent", maximumFractionDigits: 0) } alike

## While the gallery is looked over

web-looking = I am looking through the gallery: { NUMBER($share, style: "percent", maximumFractionDigits: 0) } done.
web-looking-again = The gallery has changed; I am looking through it again: { NUMBER($share, style: "percent", maximumFractionDigits: 0) } done.
web-looking-changed = As of { $at }; the gallery has changed since.
web-looking-reload = Look now

## Needs attention

web-attention-about = What makes me name the wrong one, or nobody. Everything here can be undone.
web-attention-duplicates = Twice enrolled
web-attention-misplaced-ones = Wrong place
web-attention-sparse = Few samples
web-attention-duplicates-about = These are closer than strangers are: probably one character under two names.
web-attention-misplaced-about = Were these samples not enrolled, I would not take them for their character.
web-attention-sparse-about = Three to five different pictures make a good start; from one alone I often miss somebody.
web-attention-duplicate = Are { $name } and { $other } the same?
web-attention-share =
    { $share ->
        [1] All samples of { $other } look like { $name }.
       *[other] { NUMBER($share, style: "percent", maximumFractionDigits: 0) } of the samples of { $other } look like { $name }.
    }
web-attention-samples =
    { $count ->
        [0] no sample
        [one] one sample
       *[other] { $count } samples
    }
web-attention-face = A sample of { $name }
web-attention-merge = One character: { $name }
web-attention-different = Two different ones
web-attention-misplaced = Enrolled as { $name }, but looks like { $likely }
web-attention-odd = Unlike all others of { $name }
web-attention-this = This sample
web-attention-move = Give it to { $name }
web-attention-remove = Remove it
web-attention-right = It is { $name }
web-attention-add = Add pictures
web-attention-enough = Leave it so
web-attention-nothing = Nothing here needs attention.
web-attention-empty = Nobody is enrolled here yet.
web-attention-closed-set = This model knows a fixed set of characters: there is nothing to look after.
web-attention-dismissed =
    { $count ->
        [one] One that you have decided about
       *[other] { $count } that you have decided about
    }
web-attention-restore = Ask again

## The map

web-map-about = Who is like whom: what is near on the map looks alike to me.
web-map-title = All characters, alike ones near each other
web-map-keys = Arrow keys go from face to face, Enter opens one, plus and minus zoom. The list below says the same in words.
web-map-no-script = The map needs JavaScript; the list below says the same.
web-map-closer = Closer
web-map-farther = Farther
web-map-all = Show all
web-map-like = Who is most like whom
web-map-search = Name, alias or series
web-map-find = Find
web-map-character = Character
web-map-nearest = Most alike

## Statistics

web-chart-table = As a table
web-chart-drawn = { $title }: a bar chart. The table behind it has the numbers.
web-stats-characters = Characters
web-stats-samples = Samples
web-stats-median = Samples a character (median)
web-stats-series = Series
web-stats-no-series = (no series)
web-stats-samples-each = Samples each
web-stats-when = When
web-stats-each-title = How many samples characters have
web-stats-each-note = Three to five different pictures of a character help most; with one, many are missed.
web-stats-series-title = Series with most samples
web-stats-added-title = When today’s samples were added
web-stats-added-note = By the day, week or month that begins there, in UTC.
web-stats-answers-title = What was answered about faces
web-stats-answers-whole = In all chats together.
web-stats-answers-note = In this chat.
web-stats-known = Named
web-stats-unsure = Unsure
web-stats-unknown = Unknown
web-stats-asked-title = In the chats
web-stats-no-answers = No chat has asked me anything yet.

## Archives

web-export-title = Export
web-export-about = Everything of this gallery in one file: characters, samples and what is known about them. For a backup, or for another Dareda.
web-export-start = Write an archive
web-export-again = Write a new one
web-export-running = { $known ->
    [yes] Writing the archive: { NUMBER($share, style: "percent", maximumFractionDigits: 0) } done, { MEGABYTES($bytes) } so far.
   *[no] Writing the archive: { MEGABYTES($bytes) } so far.
}
web-export-ready =
    { $count ->
        [one] The archive is ready: one sample, { MEGABYTES($bytes) }.
       *[other] The archive is ready: { $count } samples, { MEGABYTES($bytes) }.
    }
web-export-fetch = Download
web-import-title = Import
web-import-about = Adds what an archive holds to this gallery, up to { MEGABYTES($bytes) }. What is here already stays as it is.
web-import-file = Archive
web-import-start = Import
web-import-progress = How much has been sent
web-import-running = Adding what { $file } holds…
web-import-done = { $file } was read.
web-import-nothing-lost = The gallery is as it was before.
web-import-no-script = Importing needs JavaScript; `python bot.py gallery import` does the same.
