# The web console.

web-skip = Skip to the content
web-menu = Menu
web-more = More
web-gallery-of = Gallery
web-language = Language
web-theme = Colours
web-theme-auto = As the system
web-theme-light = Light
web-theme-dark = Dark
web-log-out = Log out
web-date = { $at }
web-bytes = { MEGABYTES($bytes) }

web-nav-identify = Identify
web-nav-gallery = Gallery
web-nav-reviews = Reviews
web-nav-history = History
web-nav-settings = Settings
web-nav-health = Health

web-error-title = That did not work
web-error-home = To the first page

## Login

web-login-title = Log in
web-login-how = This console belongs to whoever runs this bot. The token is what { $variable } was set to.
web-login-token = Token
web-login = Log in

## Health

web-health-since = Running since
web-health-gallery = Enrolled
web-health-gallery-holds =
    { $characters ->
        [one] one character
       *[other] { $characters } characters
    }, { $samples ->
        [one] one sample
       *[other] { $samples } samples
    }
web-health-size = Size of the gallery
web-health-model = Model
web-health-closed-set = knows a fixed set of characters
web-health-chats = Chats
web-health-no-chats = none is connected
web-health-disk = Data folder
web-health-free = { MEGABYTES($bytes) } free
web-health-python =
    { $version }, { $cores ->
        [one] one core
       *[other] { $cores } cores
    }
web-health-work = Since then
web-health-pictures = Pictures looked at
web-health-quick = Until the answer
web-health-average = { NUMBER($milliseconds, maximumFractionDigits: 0) } ms on average
web-health-within = 95 % within { NUMBER($seconds) } s
web-health-stages = Of a picture’s time
web-health-stage =
    { $stage ->
        [decode] reading
        [detect] finding faces
        [embed] describing them
        [search] looking them up
       *[annotate] drawing
    } { NUMBER($milliseconds, maximumFractionDigits: 1) } ms
web-health-waiting = Waiting now
web-health-queue =
    { $batcher ->
        [detector] parts of pictures { NUMBER($count) }
       *[embedder] faces { NUMBER($count) }
    }
web-health-refused = What could not be done
web-health-nothing-refused = nothing

web-done = Done: { $change }.
web-pages = Pages
web-earlier = Back
web-later = Next
web-show-her = Show

## Identify

web-identify-title = Who is it?
web-identify-privacy = Pictures are looked at and forgotten. Only faces that you name are kept.
web-drop-title = Drop pictures here
web-drop-how = You can also paste them, or choose several at once.
web-choose = Choose pictures
web-identify-send = Look at them
web-identify-waiting = Looking at the picture …
web-no-face = I see no drawn face in this picture.
web-annotated =
    { $count ->
        [one] The picture with one face marked
       *[other] The picture with { $count } faces marked
    }
web-took = Looked at in { NUMBER($ms, useGrouping: 0) } ms
web-face = Face { NUMBER($number, useGrouping: 0) }
web-known = Known
web-unsure = Not sure
web-unknown = Unknown
web-somebody = Somebody I do not know
web-candidates = Who it may be
web-nearest-sample = The sample of { $name } that is most like it
web-similarity = Similarity, at most 1
web-needs-script = To say who this is, allow this page its script, or enroll the picture in the gallery.
web-it-is = It is
web-not-her = Not { $name }
web-name-label = Name
web-series-label = Series
web-teach = Teach

## Enrolling

web-enroll-title = New character
web-enroll-how = Give a name and some pictures, best from different scenes. Five are a good start.
web-enroll-drop = Drop pictures of this character here
web-enroll-waiting = Learning the picture …
web-looks-like = It also looks like { $other }. If that is who it is, undo this.

## Gallery

web-characters = Characters
web-search = Search
web-search-hint = A name, other name or series
web-series-all = All series
web-order = Order
web-order-name = By name
web-order-most = Most samples first
web-order-fewest = Fewest samples first
web-found =
    { $count ->
        [one] One character
       *[other] { $count } characters
    }
web-samples =
    { $count ->
        [one] 1 sample
       *[other] { $count } samples
    }
web-meant = Do you mean:
web-gallery-empty = Nobody is enrolled here yet. Add a new character, or drop a picture on the first page and say who it is.

## One character

web-samples-title = Samples
web-no-samples = Without samples this character is not recognised. Add pictures below.
web-sample-of = Sample of { $at }
web-is-cover = Cover
web-make-cover = Make cover
web-ticked = With the ticked samples
web-move-to = Move to
web-move = Move
web-move-how = A name that is not in the gallery yet becomes a new character.
web-forget-ticked = Forget
web-add-title = Add pictures
web-details-title = Names
web-save = Save
web-merge-title = Merge
web-merge-how = If { $name } is the same as somebody else here, all samples go there, and the name becomes another name.
web-merge-into = Into
web-merge = Merge
web-forget-title = Forget
web-for-good = For good, without keeping anything
web-forget = Forget { $name }

## History, reviews, settings

web-was-undone = undone
web-reviews-how = What people in chats say about answers waits here until somebody who may teach decides.
web-face-meant = The face that is meant
web-chat-away = This chat is not connected, so the picture cannot be read.
web-settings-how = As they count now, and where each comes from. Change them there, and start again.
web-set-in = from
web-set-default = default
web-secrets = Secrets
web-secret-set = is set
web-secret-unset = is not set
