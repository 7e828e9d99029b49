# 学习和管理角色。

## 录入

enrolled-new = 我从 { $count } 张图片认识了 { $name }。
enrolled-more =
    { $count ->
        [1] 添加了 { $name } 的第 { $total } 张样本。
       *[other] 为 { $name } 添加了 { $count } 张样本，现在共 { $total } 张。
    }
enroll-nothing = 我没能从这些图片学到什么：
enroll-series-kept = 作品仍为“{ $series }”；要更改请用改名命令。
enroll-cancelled = 什么也没有学。
enroll-which-face = 找到 { $count } 张脸。哪一张是 { $name }？
enroll-looks-like = 这看起来像我已经认识的 { $other }。是 { $other }，还是真的是 { $name }？
button-none-of-them = 都不是
button-is-name = { $name }
button-cancel = 取消

## 认识的角色

characters-none = 我还不认识任何人。请用录入命令教我。
characters-none-match = 我不认识类似“{ $search }”的角色。
characters-title = { $count } 个角色：
characters-line = { $name } · { $count } 张样本
characters-line-series = { $name }（{ $series }）· { $count } 张样本
character-aliases = 别名：{ $names }
character-shared = 来自共享图库。
character-sheet = 共 { $count } 张样本，这里是第 { NUMBER($first, useGrouping: 0) } 到 { NUMBER($last, useGrouping: 0) } 张。
character-sheet-of = { $name } 的 { $count } 张图片
button-back = 返回
button-more = 第 { NUMBER($page, useGrouping: 0) }/{ NUMBER($pages, useGrouping: 0) } 页

## 更改

renamed = { $old } 现在叫 { $name }。
aliases-are = { $name } 的别名现在是 { $names }。
aliases-none = { $name } 现在没有别名。
merged = { $gone } 现在并入 { $name }，共 { $count } 张样本。
split = { $name } 的 { $count } 张样本现在属于 { $new }。
ask-forget = 要忘记 { $name } 和 { $count } 张样本吗？
ask-forget-samples = 要忘记 { $name } 的这 { $count } 张样本吗？
forget-undo-days = 除非彻底删除，{ $count } 天内可以撤销。
forget-cancelled = 什么也没有忘记。
forgot = 已忘记 { $name } 和 { $count } 张样本。
forgot-samples = 已忘记 { $name } 的 { $count } 张样本。
button-forget = 忘记
button-forget-for-good = 彻底删除

## 记录

history-title = 最近的更改，最新的在前：
history-empty = 这里还没有任何更改。
history-line = { NUMBER($number, useGrouping: 0) } · { $at } · { $who } · { $change }
history-enroll = 为 { $name } 添加了 { $count } 张样本
history-rename = 把 { $old } 改名为 { $name }
history-alias = 更改了 { $name } 的别名
history-merge = 把 { $gone } 并入 { $name }
history-move = 把 { $name } 的 { $count } 张样本移到 { $target }
history-forget-character = 忘记了 { $name } 和 { $count } 张样本
history-forget-sample = 忘记了 { $name } 的一张样本
history-negative = 记住了一张不是 { $name } 的脸
history-undo = 撤销了 { NUMBER($number, useGrouping: 0) } 号
history-forget-contributions = 删除了某人教过的内容（样本 { $count } 张）
history-import = 导入了 { $count } 张样本
history-other = 维护

## 文件

exported = 这是我在这里学到的全部：{ $count } 张样本。
export-nothing = 我在这里不认识任何人，没有可导出的内容。
imported =
    { $count ->
        [0] 这个文件里的内容我都已经知道了。
       *[other] 导入了 { $count } 张样本。
    }
