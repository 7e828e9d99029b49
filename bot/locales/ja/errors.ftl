# エラーコードごとに一文。何が起きたか、次にどうすればよいか。

error-error = うまくいきませんでした。もう一度お試しください。
unexpected = こちら側で問題が起きました。繰り返す場合は、この番号を運営者に伝えてください：{ $id }

## 画像

error-image-too-large =
    { $what ->
        [bytes] 画像のサイズが大きすぎます（{ $actual ->
            [0] 上限は { MEGABYTES($limit) }
           *[other] { MEGABYTES($actual) }、上限は { MEGABYTES($limit) }
        }）。小さくして送ってください。
        [pixels] 画像が { $actual } ピクセルあります（上限は { $limit }）。小さくして送ってください。
        [side] 画像の長辺が { $actual } ピクセルあります（上限は { $limit }）。縮小するか切り分けて送ってください。
       *[frames] アニメーションが { $actual } フレームあります（上限は { $limit }）。一部だけを送ってください。
    }
error-image-unsupported = この形式（{ $found }）の画像は読めません。{ $allowed } で送ってください。
error-image-unreadable = ファイルが壊れているか、画像ではありません。画像そのものを送ってください。
error-picture-missing = 画像がありません。一緒に送るか、画像のあるメッセージに返信してください。
error-picture-gone = 画像が削除されたか、見られなくなりました。もう一度送ってください。
error-picture-source = { $host } の画像は読みません。画像そのものをアップロードしてください。

## 顔

error-no-face = 絵の顔が見つかりませんでした。
error-ambiguous-faces = 顔が { $count } つあります。どれかを指定するか、顔がひとつになるように切り抜いてください。
error-face-number = { NUMBER($number, useGrouping: 0) } 番の顔はありません。この画像の顔は { $count } つです。
error-face-too-poor =
    この顔からは覚えられません：{ $what ->
        [size] 幅が { NUMBER($actual, maximumFractionDigits: 0) } ピクセルしかなく、{ NUMBER($limit, maximumFractionDigits: 0) } ピクセル必要です
        [sharpness] ぼやけすぎています
       *[score] 顔かどうかがはっきりしません
    }。もっと大きく鮮明な画像を送ってください。
error-face-gone = その顔が画像の中に見つからなくなりました。画像をもう一度送ってください。

## キャラクター

error-character-not-found =
    { $name } という名前は知りません。{ $suggestions_count ->
        [0] { "" }
       *[other] { $suggestions } のことですか？
    }
error-character-exists = { $name } はすでに { $existing } の名前です。
error-merge-self = { $source } と { $target } はすでに同じキャラクターです。
error-name-invalid = { $name } は名前にできません。名前は目に見える 1～100 文字です。
error-sample-exists =
    この画像はすでに { $character } として登録されています{ $how ->
        [identical] { "" }
       *[alike] （保存形式か大きさだけが違います）
    }。
error-sample-not-found = サンプル { $sample_id } はありません。削除されたのかもしれません。
error-shared-character = { $name } は共有ギャラリーにあり、ここからは変更できません。運営者に頼んでください。
error-cannot-undo =
    元に戻せません：{ $reason ->
        [nothing] 元に戻すものがもうありません
        [unknown] ここにはそのような変更がありません
        [kind] 元に戻せるのは個々のキャラクターへの変更だけです
        [done] すでに元に戻されています
        [for_good] 完全に削除されています
        [final] 時間が経ちすぎました
        [changed] { $name } がその後変更されています
        [name_taken] { $name } は今では別のキャラクターの名前です
       *[enrolled_again] その画像のひとつが { $name } としてまた登録されています
    }。
error-closed-set = 新しく覚えることはできません。決まったキャラクターだけがわかるように設定されています。
error-request-invalid = 内部のサービスが依頼を理解できませんでした。理由は運営者のログにあります。

## ファイル

error-archive-invalid = 書き出したギャラリーのファイルではないか、壊れています。
error-file-unreadable = このファイルは読めません。もう一度送ってください。
error-file-unwritable = ファイルを書けません。原因は運営者のログにあります。
error-file-missing = ファイルがありません。一緒に送ってください。
error-file-too-large = ファイルが大きすぎます。上限は { MEGABYTES($limit) } です。

## 入力

error-argument-missing = { $parameter } が足りません。
error-argument-invalid = { $value } は { $parameter } に使えません。
error-setting-unknown = { $setting } という設定はありません。
error-setting-invalid =
    { $value } は { $setting } に使えません。{ $accepted_count ->
        [0] { "" }
       *[other] 使えるのは { $accepted } です。
    }

## 権限と回数

error-not-allowed =
    { $what ->
        [teach] これができるのは、ここで教える権限のある人だけです。管理者が設定で許可できます。
       *[manage] これができるのは、ここの管理者だけです。
    }
error-not-yours = 答えられるのは、質問された本人だけです。
error-cooldown = 一度に多すぎます。{ $seconds } 秒後にもう一度お試しください。
error-token-unknown = このボタンは古いか、すでに使われています。もう一度やり直してください。
error-review-settled = すでにほかの人が決めました。

## あとでもう一度

error-overloaded = 今は順番待ちがいっぱいです。少ししてからもう一度お試しください。
error-deadline = 時間がかかりすぎました。少ししてからもう一度お試しください。
error-stopped = 再起動中です。少ししてからもう一度お試しください。
error-gallery-unavailable = 今はギャラリーにつながりません。少ししてからもう一度お試しください。
error-gallery-read-only = 今はギャラリーを調べることしかできず、変更できません。あとでもう一度お試しください。理由は運営者のログにあります。
error-service-unavailable = 必要なサービスにつながりません。少ししてからもう一度お試しください。
error-chat-store-unavailable = 今は記録が読めません。少ししてからもう一度お試しください。
error-cannot-send =
    答えを送れませんでした：{ $reason ->
        [gone] チャンネルかメッセージがなくなっています
        [may_not_write] そこに書き込む権限がありません
        [may_not_attach] そこにファイルを添付する権限がありません
        [too_large] 大きすぎます
       *[platform] チャットが受け付けませんでした
    }。

## ウェブコンソール

error-foreign-request = このリクエストはこのコンソールのページからではないため、何もしませんでした。
error-page-too-old = ページが古くなっています。読み込み直して、もう一度操作してください。
error-login = トークンが違います。
error-page-not-found = そのページはありません。
error-form-invalid = 送られた内容を読めません。ページを読み込み直して、もう一度操作してください。

error-setup = そのための設定がされていません。原因は運営者のログにあります。
