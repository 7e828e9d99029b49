# キャラクターを覚え、世話をする。

## 登録

enrolled-new = { $name } を { $count } 枚の画像から覚えました。
enrolled-more =
    { $count ->
        [1] { $name } の { $total } 枚目のサンプルを加えました。
       *[other] { $name } のサンプルを { $count } 枚加えました（合計 { $total } 枚）。
    }
enroll-nothing = これらの画像からは何も覚えられませんでした：
enroll-series-kept = 作品名は「{ $series }」のままです。変えるには改名コマンドを使ってください。
enroll-cancelled = 何も覚えませんでした。
enroll-which-face = 顔が { $count } つあります。{ $name } はどれですか？
enroll-looks-like = すでに知っている { $other } に似ています。{ $other } ですか、それとも本当に { $name } ですか？
button-none-of-them = どれでもない
button-is-name = { $name }
button-cancel = やめる

## 知っている人

characters-none = まだ誰も知りません。登録コマンドで教えてください。
characters-none-match = 「{ $search }」のような人は知りません。
characters-title = { $count } 人のキャラクター：
characters-line = { $name } · サンプル { $count } 枚
characters-line-series = { $name }（{ $series }）· サンプル { $count } 枚
character-aliases = 別名：{ $names }
character-shared = 共有ギャラリーのキャラクターです。
character-sheet = { $count } 枚のサンプルのうち { NUMBER($first, useGrouping: 0) }～{ NUMBER($last, useGrouping: 0) } 枚目。
character-sheet-of = { $name } の画像 { $count } 枚
button-back = 戻る
button-more = { NUMBER($page, useGrouping: 0) }/{ NUMBER($pages, useGrouping: 0) } ページへ

## 変更

renamed = { $old } は { $name } になりました。
aliases-are = { $name } の別名は { $names } になりました。
aliases-none = { $name } の別名はなくなりました。
merged = { $gone } は { $name } になりました（サンプル { $count } 枚）。
split = { $name } のサンプル { $count } 枚が { $new } になりました。
ask-forget = { $name } とサンプル { $count } 枚を忘れますか？
ask-forget-samples = { $name } のこの { $count } 枚のサンプルを忘れますか？
forget-undo-days = 完全に削除しない限り、{ $count } 日間は元に戻せます。
forget-cancelled = 何も忘れていません。
forgot = { $name } とサンプル { $count } 枚を忘れました。
forgot-samples = { $name } のサンプル { $count } 枚を忘れました。
button-forget = 忘れる
button-forget-for-good = 完全に削除

## 履歴

history-title = 最近の変更（新しい順）：
history-empty = ここではまだ何も変わっていません。
history-line = { NUMBER($number, useGrouping: 0) } · { $at } · { $who } · { $change }
history-enroll = { $name } にサンプルを { $count } 枚追加
history-rename = { $old } を { $name } に改名
history-alias = { $name } の別名を変更
history-merge = { $gone } を { $name } に統合
history-move = { $name } のサンプル { $count } 枚を { $target } に移動
history-forget-character = { $name } とサンプル { $count } 枚を削除
history-forget-sample = { $name } のサンプルを削除
history-negative = { $name } ではない顔を記憶
history-undo = { NUMBER($number, useGrouping: 0) } 番を元に戻した
history-forget-contributions = ある人が教えたものを削除（サンプル { $count } 枚）
history-import = サンプルを { $count } 枚読み込み
history-other = メンテナンス

## ファイル

exported = ここで知っていることのすべてです（サンプル { $count } 枚）。
export-nothing = ここではまだ誰も知らないので、書き出すものがありません。
imported =
    { $count ->
        [0] このファイルの内容はすべて知っていました。
       *[other] サンプルを { $count } 枚読み込みました。
    }
