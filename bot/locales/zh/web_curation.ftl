# 网页控制台：需要处理、地图、统计、存档。

web-nav-attention = 需要处理
web-nav-map = 地图
web-nav-statistics = 统计
web-nav-files = 导出与导入

web-number = { NUMBER($number) }
web-alike = 相似度 { NUMBER($value, style: "percent", maximumFractionDigits: 0) }

## 正在检查图库

web-looking = 正在检查图库：已完成 { NUMBER($share, style: "percent", maximumFractionDigits: 0) }。
web-looking-again = 图库有变化，正在重新检查：已完成 { NUMBER($share, style: "percent", maximumFractionDigits: 0) }。
web-looking-changed = 这是 { $at } 的结果，此后图库又有变化。
web-looking-reload = 立即查看

## 需要处理

web-attention-about = 这些会让我认错人，或者认不出来。这里的每个操作都可以撤销。
web-attention-duplicates = 重复登记
web-attention-misplaced-ones = 放错地方
web-attention-sparse = 样本太少
web-attention-duplicates-about = 它们比陌生人之间更相似，很可能是同一个角色用了两个名字。
web-attention-misplaced-about = 如果这些样本没有登记过，我不会把它们认作这个角色。
web-attention-sparse-about = 三到五张不同的图片是好的开始；只有一张时，我常常认不出来。
web-attention-duplicate = { $name } 和 { $other } 是同一个角色吗？
web-attention-share =
    { $share ->
        [1] { $other } 的所有样本都像 { $name }。
       *[other] { $other } 的样本中有 { NUMBER($share, style: "percent", maximumFractionDigits: 0) } 像 { $name }。
    }
web-attention-samples =
    { $count ->
        [0] 没有样本
       *[other] { $count } 个样本
    }
web-attention-face = { $name } 的样本
web-attention-merge = 同一个：并入 { $name }
web-attention-different = 是两个不同的角色
web-attention-misplaced = 登记为 { $name }，但看起来像 { $likely }
web-attention-odd = 与 { $name } 的其他样本都不像
web-attention-this = 这个样本
web-attention-move = 移给 { $name }
web-attention-remove = 删除
web-attention-right = 确实是 { $name }
web-attention-add = 添加图片
web-attention-enough = 就这样
web-attention-nothing = 没有需要处理的内容。
web-attention-empty = 这里还没有登记任何角色。
web-attention-closed-set = 这个模型认识的角色是固定的，没有需要处理的内容。
web-attention-dismissed = 已经决定的：{ $count } 项
web-attention-restore = 重新询问

## 地图

web-map-about = 谁像谁：地图上越近，在我看来就越像。
web-map-title = 所有角色，相似的彼此靠近
web-map-keys = 用方向键在面孔之间移动，按回车键打开，加号和减号缩放。下面的列表用文字说明同样的内容。
web-map-no-script = 地图需要 JavaScript；下面的列表有同样的内容。
web-map-closer = 放大
web-map-farther = 缩小
web-map-all = 显示全部
web-map-like = 谁和谁最像
web-map-search = 名字、别名或作品
web-map-find = 查找
web-map-character = 角色
web-map-nearest = 最相似的

## 统计

web-chart-table = 以表格显示
web-chart-drawn = { $title }：柱状图。数字见下面的表格。
web-stats-characters = 角色
web-stats-samples = 样本
web-stats-median = 每个角色的样本（中位数）
web-stats-series = 作品
web-stats-no-series = （没有作品）
web-stats-samples-each = 每个角色的样本
web-stats-when = 时间
web-stats-each-title = 每个角色有多少样本
web-stats-each-note = 每个角色有三到五张不同的图片最有帮助；只有一张时，常常认不出来。
web-stats-series-title = 样本最多的作品
web-stats-added-title = 现有样本的添加时间
web-stats-added-note = 按当日、当周或当月起始统计（UTC）。
web-stats-answers-title = 对面孔的回答
web-stats-answers-whole = 所有聊天的合计。
web-stats-answers-note = 在这个聊天中。
web-stats-known = 认出
web-stats-unsure = 不确定
web-stats-unknown = 未知
web-stats-asked-title = 在聊天中
web-stats-no-answers = 还没有聊天向我提问。

## 存档

web-export-title = 导出
web-export-about = 把这个图库的全部内容（角色、样本及其信息）写入一个文件，用于备份或交给另一个 Dareda。
web-export-start = 制作存档
web-export-again = 重新制作
web-export-running = { $known ->
    [yes] 正在写入存档：已完成 { NUMBER($share, style: "percent", maximumFractionDigits: 0) }（{ MEGABYTES($bytes) }）。
   *[no] 正在写入存档：已写 { MEGABYTES($bytes) }。
}
web-export-ready = 存档已完成：{ $count } 个样本，{ MEGABYTES($bytes) }。
web-export-fetch = 下载
web-import-title = 导入
web-import-about = 把存档的内容加入这个图库，最大 { MEGABYTES($bytes) }。已有的内容保持不变。
web-import-file = 存档
web-import-start = 导入
web-import-progress = 已发送的比例
web-import-running = 正在加入 { $file } 的内容……
web-import-done = 已读取 { $file }。
web-import-nothing-lost = 图库保持原样。
web-import-no-script = 导入需要 JavaScript；`python bot.py gallery import` 有同样的作用。
