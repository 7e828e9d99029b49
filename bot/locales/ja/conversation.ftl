# 画像への答えと、それについて言えること。

## 答え

answer-sure = { $people } です。間違いありません。
answer-likely = { $people } です。たぶん合っています。
answer-unsure = { $people } かもしれませんが、自信がありません。
answer-known = { $people } です。
answer-maybe = { $people } かもしれません。
answer-more = ほか { $count } 人
answer-strangers =
    { $alone ->
        [true] { $count ->
            [1] この顔は知りません。
           *[other] この { $count } つの顔はどれも知りません。
        }
       *[false] 知らない顔が { $count } つあります。
    }
answer-picture = { NUMBER($number, useGrouping: 0) } 枚目：{ $text }
answer-only-first = 最初の { $count } 枚だけを見ました。
drawn-unknown = 不明

button-right = 正解
button-wrong = 違う
button-who = これは誰？
button-why = なぜ？

## 反応

thanks = ありがとうございます。
thanks-right = ありがとうございます。覚えておきます。
thanks-review = ありがとうございます。ここで教える人に伝えておきます。
ask-who = 誰ですか？
ask-which-face = どの顔のことですか？
faces-numbered = { $count } つの顔に番号を付けた画像
face-label = { NUMBER($number, useGrouping: 0) }：{ $name }
face-of-picture = { NUMBER($picture, useGrouping: 0) } 枚目の { NUMBER($number, useGrouping: 0) }：{ $name }
menu-face = 顔を選ぶ
menu-who = 誰かを選ぶ
menu-name = { $name }
menu-somebody-else = ほかの人…
menu-nobody = わからない
form-title = 誰ですか？
form-name = 名前
form-series = 作品
form-aliases = ほかの名前（カンマ区切り）

learnt-right = 覚えました：これは { $name } です（これで { $count } 枚）。
learnt-wrong = この顔をもう { $name } とは言いません。
learnt-nothing = ここで覚えられることはありません。名前を挙げた相手がもういないか、共有ギャラリーにいます。誰なのかを教えてください。
knew = { $name } のこの画像はもう知っています。
button-undo = 元に戻す
undone = 元に戻しました：{ $change }

## なぜ

why-this-face = この顔
why-same-picture = 同じ画像
why-alike = とても似ている
why-less-alike = それほど似ていない
why-known = 覚えた { $count } 枚のうちいちばん近い画像にとてもよく似ているので、{ $name } だと言いました。
why-unsure = いちばん似ているのは { $name } ですが、{ $other } も同じくらい近いので、自信がありません。
why-doubted = いちばん似ているのは { $name } ですが、似た顔が違うと言われたことがあるので、自信がありません。
why-unknown = 知っている中でいちばん近いのは { $name } ですが、そう言えるほどではありません。
why-nobody-enrolled = まだ誰も登録されていないので、名前を言えません。

## 確認

review-none = 確認するものはありません。
review-done = これで最後です。
review-refused = 採用しませんでした。何も変わっていません。
review-right = { $who } さんによると、これは { $right } です。
review-instead = { $who } さんによると、これは { $wrong } ではなく { $right } です。
review-wrong = { $who } さんによると、これは { $wrong } ではありません。
review-count = 残り { $count } 件です。
button-accept = 採用
button-refuse = 採用しない
button-skip = あとで
button-next-review = 次へ（残り { $count } 件）

## 記録用チャンネル

log-change = { $who }：{ $change }
log-undo = （元に戻す番号：{ $numbers }）
log-setting = { $who } さんが「{ $setting }」を変えました：{ $value }
log-review = { $who } さんから答えについての指摘がありました。教える人は確認コマンドで決められます。
