# ウェブコンソール。

web-skip = 本文へ移動
web-menu = メニュー
web-more = その他
web-gallery-of = ギャラリー
web-language = 言語
web-theme = 配色
web-theme-auto = システムに合わせる
web-theme-light = ライト
web-theme-dark = ダーク
web-log-out = ログアウト
web-date = { $at }
web-bytes = { MEGABYTES($bytes) }

web-nav-identify = 調べる
web-nav-gallery = ギャラリー
web-nav-reviews = レビュー
web-nav-history = 履歴
web-nav-settings = 設定
web-nav-health = 状態

web-error-title = うまくいきませんでした
web-error-home = 最初のページへ

## Login

web-login-title = ログイン
web-login-how = このコンソールはボットの運営者のものです。トークンは { $variable } に設定した値です。
web-login-token = トークン
web-login = ログイン

## Health

web-health-since = 起動時刻
web-health-gallery = 登録数
web-health-gallery-holds = キャラクター { $characters } 人、サンプル { $samples } 件
web-health-size = ギャラリーの大きさ
web-health-model = モデル
web-health-closed-set = 決まったキャラクターだけを知っています
web-health-chats = チャット
web-health-no-chats = 接続していません
web-health-disk = データフォルダー
web-health-free = 空き { MEGABYTES($bytes) }
web-health-python = { $version }、{ $cores } コア
web-health-work = 起動してから
web-health-pictures = 調べた画像
web-health-quick = 回答までの時間
web-health-average = 平均 { NUMBER($milliseconds, maximumFractionDigits: 0) } ms
web-health-within = 95 % は { NUMBER($seconds) } 秒以内
web-health-stages = 画像 1 枚の内訳
web-health-stage =
    { $stage ->
        [decode] 読み込み
        [detect] 顔の検出
        [embed] 特徴の計算
        [search] 照合
       *[annotate] 描画
    } { NUMBER($milliseconds, maximumFractionDigits: 1) } ms
web-health-waiting = 現在の待ち
web-health-queue =
    { $batcher ->
        [detector] 画像の部分 { NUMBER($count) }
       *[embedder] 顔 { NUMBER($count) }
    }
web-health-refused = できなかったこと
web-health-nothing-refused = なし

web-done = 完了：{ $change }。
web-pages = ページ
web-earlier = 戻る
web-later = 次へ
web-show-her = 表示

## 調べる

web-identify-title = だれでしょう？
web-identify-privacy = 画像は調べたあと保存されません。名前を付けた顔だけが残ります。
web-drop-title = ここに画像をドロップ
web-drop-how = 貼り付けや、複数の選択もできます。
web-choose = 画像を選ぶ
web-identify-send = 調べる
web-identify-waiting = 画像を調べています …
web-no-face = この画像に絵の顔は見つかりません。
web-annotated = 顔 { $count } つに印を付けた画像
web-took = { NUMBER($ms, useGrouping: 0) } ミリ秒で調べました
web-face = 顔 { NUMBER($number, useGrouping: 0) }
web-known = 既知
web-unsure = あいまい
web-unknown = 不明
web-somebody = 知らない人
web-candidates = 候補
web-nearest-sample = { $name } のもっとも似たサンプル
web-similarity = 類似度（最大 1）
web-needs-script = だれかを教えるには、このページのスクリプトを許可するか、ギャラリーで画像を登録してください。
web-it-is = この人です：
web-not-her = { $name } ではない
web-name-label = 名前
web-series-label = 作品
web-teach = 覚えさせる

## 登録

web-enroll-title = 新しいキャラクター
web-enroll-how = 名前と、なるべく違う場面の画像を何枚か入れてください。5 枚ほどがよい始まりです。
web-enroll-drop = このキャラクターの画像をここにドロップ
web-enroll-waiting = 画像を覚えています …
web-looks-like = { $other } にも似ています。もしそうなら、元に戻してください。

## ギャラリー

web-characters = キャラクター
web-search = 検索
web-search-hint = 名前、別名、作品
web-series-all = すべての作品
web-order = 並び順
web-order-name = 名前順
web-order-most = サンプルの多い順
web-order-fewest = サンプルの少ない順
web-found = キャラクター { $count } 人
web-samples = サンプル { $count } 件
web-meant = もしかして：
web-gallery-empty = ここにはまだだれも登録されていません。新しいキャラクターを追加するか、最初のページに画像を入れてだれかを教えてください。

## キャラクター

web-samples-title = サンプル
web-no-samples = サンプルがないため認識されません。下で画像を追加してください。
web-sample-of = { $at } のサンプル
web-is-cover = 表紙
web-make-cover = 表紙にする
web-ticked = 選んだサンプルを
web-move-to = 移動先
web-move = 移動
web-move-how = ギャラリーにない名前は、新しいキャラクターになります。
web-forget-ticked = 忘れる
web-add-title = 画像を追加
web-details-title = 名前
web-save = 保存
web-merge-title = 統合
web-merge-how = { $name } がほかのキャラクターと同じなら、すべてがそちらに移り、名前は別名になります。
web-merge-into = 統合先
web-merge = 統合
web-forget-title = 忘れる
web-for-good = 何も残さず完全に
web-forget = { $name } を忘れる

## 履歴、レビュー、設定

web-was-undone = 元に戻しました
web-reviews-how = チャットの人たちが答えについて言ったことは、教える権限のある人が決めるまでここで待ちます。
web-face-meant = 対象の顔
web-chat-away = このチャットに接続していないため、画像を読めません。
web-settings-how = 現在の値とその出どころです。出どころで変更し、起動し直してください。
web-set-in = 出どころ：
web-set-default = 初期値
web-secrets = 秘密の値
web-secret-set = 設定済み
web-secret-unset = 未設定
