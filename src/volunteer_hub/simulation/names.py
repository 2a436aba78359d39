"""Common Chinese names, written and in pinyin without tones."""

from typing import Final

import numpy as np
from numpy.typing import NDArray


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((pair.split("/")[0], pair.split("/")[1]) for pair in text.split())


SURNAMES: Final = _pairs(
    "王/wang 李/li 张/zhang 刘/liu 陈/chen 杨/yang 赵/zhao 黄/huang 周/zhou 吴/wu 徐/xu 孙/sun "
    "胡/hu 朱/zhu 高/gao 林/lin 何/he 郭/guo 马/ma 罗/luo 梁/liang 宋/song 郑/zheng 谢/xie "
    "韩/han 唐/tang 冯/feng 于/yu 董/dong 萧/xiao 程/cheng 曹/cao 袁/yuan 邓/deng 许/xu 傅/fu "
    "沈/shen 曾/zeng 彭/peng 吕/lv 苏/su 卢/lu 蒋/jiang 蔡/cai 贾/jia 丁/ding 魏/wei 薛/xue "
    "叶/ye 阎/yan 白/bai 包/bao 关/guan 佟/tong"
)
WOMEN: Final = _pairs(
    "秀/xiu 英/ying 芳/fang 娟/juan 敏/min 静/jing 丽/li 艳/yan 红/hong 霞/xia 梅/mei 玲/ling "
    "燕/yan 雪/xue 琳/lin 欣/xin 怡/yi 婷/ting 佳/jia 慧/hui 兰/lan 凤/feng 洁/jie 莉/li "
    "桂/gui 淑/shu 玉/yu 晶/jing 雨/yu 萌/meng"
)
MEN: Final = _pairs(
    "伟/wei 强/qiang 磊/lei 军/jun 洋/yang 勇/yong 杰/jie 涛/tao 明/ming 超/chao 刚/gang 平/ping "
    "辉/hui 鹏/peng 华/hua 飞/fei 鑫/xin 波/bo 斌/bin 宇/yu 浩/hao 凯/kai 健/jian 俊/jun "
    "国/guo 建/jian 志/zhi 海/hai 文/wen 东/dong"
)


def draw(random: np.random.Generator, ages: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """A name for each person, as (written names, their pinyin). Two names in ten have one given character,
    more often among the middle-aged."""
    size = len(ages)
    rank = 1.0 / np.arange(1, len(SURNAMES) + 1) ** 0.7
    surnames = random.choice(len(SURNAMES), size, p=rank / rank.sum()).tolist()
    given = random.integers(0, len(WOMEN), (size, 2)).tolist()
    women = (random.random(size) < 0.52).tolist()
    short = (random.random(size) < np.where((ages > 30) & (ages < 60), 0.35, 0.1)).tolist()
    written, spoken = [], []
    for surname, pair, woman, single in zip(surnames, given, women, short, strict=True):
        table = WOMEN if woman else MEN
        chosen = [table[index] for index in (pair[:1] if single else pair)]
        written.append(SURNAMES[surname][0] + "".join(one for one, _ in chosen))
        spoken.append(SURNAMES[surname][1] + "".join(one for _, one in chosen))
    return written, spoken
