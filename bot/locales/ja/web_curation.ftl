# ウェブコンソール：要確認、マップ、統計、アーカイブ。

web-nav-attention = 要確認
web-nav-map = マップ
web-nav-statistics = 統計
web-nav-files = 書き出しと読み込み

web-number = { NUMBER($number) }
web-alike = 類似度 { NUMBER($value, style: "percent", maximumFractionDigits: 0) }

## ギャラリーを調べている間

web-looking = ギャラリーを調べています：{ NUMBER($share, style: "percent", maximumFractionDigits: 0) } 完了。
web-looking-again = ギャラリーが変わったので、もう一度調べています：{ NUMBER($share, style: "percent", maximumFractionDigits: 0) } 完了。
web-looking-changed = { $at } 時点の結果です。その後ギャラリーが変わりました。
web-looking-reload = 今すぐ見る

## 要確認

web-attention-about = 名前を間違えたり、誰だか分からなくなったりする原因です。ここでの操作はすべて元に戻せます。
web-attention-duplicates = 二重登録
web-attention-misplaced-ones = 場所違い
web-attention-sparse = サンプル不足
web-attention-duplicates-about = 他人同士よりも似ています。おそらく同じキャラクターが二つの名前で登録されています。
web-attention-misplaced-about = このサンプルが未登録だったら、そのキャラクターだとは思わないでしょう。
web-attention-sparse-about = 違う絵が三枚から五枚あると安心です。一枚だけだと見逃しがちです。
web-attention-duplicate = { $name } と { $other } は同じキャラクターですか？
web-attention-share =
    { $share ->
        [1] { $other } のサンプルはすべて { $name } に似ています。
       *[other] { $other } のサンプルの { NUMBER($share, style: "percent", maximumFractionDigits: 0) } が { $name } に似ています。
    }
web-attention-samples =
    { $count ->
        [0] サンプルなし
       *[other] サンプル { $count } 枚
    }
web-attention-face = { $name } のサンプル
web-attention-merge = 同じ：{ $name } にまとめる
web-attention-different = 別のキャラクター
web-attention-misplaced = { $name } として登録されていますが、{ $likely } に似ています
web-attention-odd = { $name } のほかのどのサンプルとも似ていません
web-attention-this = このサンプル
web-attention-move = { $name } に移す
web-attention-remove = 削除する
web-attention-right = { $name } で正しい
web-attention-add = 画像を追加
web-attention-enough = このままでよい
web-attention-nothing = 確認が必要なものはありません。
web-attention-empty = ここにはまだ誰も登録されていません。
web-attention-closed-set = このモデルが知っているキャラクターは決まっているので、ここで確認するものはありません。
web-attention-dismissed = 確認済み：{ $count } 件
web-attention-restore = もう一度確認する

## マップ

web-map-about = 誰が誰に似ているか。マップで近いほど、似て見えています。
web-map-title = すべてのキャラクター。似ているほど近くにあります
web-map-keys = 矢印キーで顔から顔へ移動し、Enter で開きます。プラスとマイナスで拡大・縮小します。下の一覧にも同じ内容があります。
web-map-no-script = マップには JavaScript が必要です。下の一覧にも同じ内容があります。
web-map-closer = 拡大
web-map-farther = 縮小
web-map-all = 全体を表示
web-map-like = 誰が誰に一番似ているか
web-map-search = 名前、別名、作品名
web-map-find = 検索
web-map-character = キャラクター
web-map-nearest = 似ている順

## 統計

web-chart-table = 表で見る
web-chart-drawn = { $title }の棒グラフです。数値は表にあります。
web-stats-characters = キャラクター
web-stats-samples = サンプル
web-stats-median = 一人あたりのサンプル（中央値）
web-stats-series = 作品
web-stats-no-series = （作品なし）
web-stats-samples-each = 一人あたりのサンプル
web-stats-when = 時期
web-stats-each-title = キャラクターごとのサンプル数
web-stats-each-note = 違う絵が三〜五枚あると一番効果的です。一枚だけでは、よく見逃します。
web-stats-series-title = サンプルの多い作品
web-stats-added-title = 今あるサンプルが追加された時期
web-stats-added-note = その日から始まる日・週・月ごと（UTC）。
web-stats-answers-title = 顔についての答え
web-stats-answers-whole = すべてのチャットの合計です。
web-stats-answers-note = このチャットでの結果です。
web-stats-known = 分かった
web-stats-unsure = 自信なし
web-stats-unknown = 不明
web-stats-asked-title = チャットでは
web-stats-no-answers = まだどのチャットからも聞かれていません。

## アーカイブ

web-export-title = 書き出し
web-export-about = このギャラリーのすべて（キャラクター、サンプル、その情報）を一つのファイルにします。バックアップや別の Dareda への引っ越しに使えます。
web-export-start = アーカイブを作る
web-export-again = 新しく作る
web-export-running = { $known ->
    [yes] アーカイブを書いています：{ NUMBER($share, style: "percent", maximumFractionDigits: 0) } 完了（{ MEGABYTES($bytes) }）。
   *[no] アーカイブを書いています：{ MEGABYTES($bytes) }。
}
web-export-ready = アーカイブができました：サンプル { $count } 枚、{ MEGABYTES($bytes) }。
web-export-fetch = ダウンロード
web-import-title = 読み込み
web-import-about = アーカイブの内容をこのギャラリーに追加します（{ MEGABYTES($bytes) } まで）。すでにあるものはそのまま残ります。
web-import-file = アーカイブ
web-import-start = 読み込む
web-import-progress = 送信済みの割合
web-import-running = { $file } の内容を追加しています…
web-import-done = { $file } を読み込みました。
web-import-nothing-lost = ギャラリーは元のままです。
web-import-no-script = 読み込みには JavaScript が必要です。`python bot.py gallery import` でも同じことができます。
