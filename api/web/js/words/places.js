/** English names of Jilin's divisions by GB/T 2260 code (the register itself is Chinese). */

/** @type {Record<string, string>} */
export const PLACES = {
  220000: 'Jilin',
  220100: 'Changchun', 220102: 'Nanguan', 220103: 'Kuancheng', 220104: 'Chaoyang',
  220105: 'Erdao', 220106: 'Lüyuan', 220112: 'Shuangyang', 220113: 'Jiutai', 220122: "Nong'an",
  220182: 'Yushu', 220183: 'Dehui', 220184: 'Gongzhuling',
  220200: 'Jilin City', 220202: 'Changyi', 220203: 'Longtan', 220204: 'Chuanying',
  220211: 'Fengman', 220221: 'Yongji', 220281: 'Jiaohe', 220282: 'Huadian', 220283: 'Shulan',
  220284: 'Panshi',
  220300: 'Siping', 220302: 'Tiexi', 220303: 'Tiedong', 220322: 'Lishu', 220323: 'Yitong',
  220382: 'Shuangliao',
  220400: 'Liaoyuan', 220402: 'Longshan', 220403: "Xi'an", 220421: 'Dongfeng', 220422: 'Dongliao',
  220500: 'Tonghua', 220502: 'Dongchang', 220503: 'Erdaojiang', 220521: 'Tonghua County',
  220523: 'Huinan', 220524: 'Liuhe', 220581: 'Meihekou', 220582: "Ji'an",
  220600: 'Baishan', 220602: 'Hunjiang', 220605: 'Jiangyuan', 220621: 'Fusong', 220622: 'Jingyu',
  220623: 'Changbai', 220681: 'Linjiang',
  220700: 'Songyuan', 220702: 'Ningjiang', 220721: 'Qian Gorlos', 220722: 'Changling',
  220723: "Qian'an", 220781: 'Fuyu',
  220800: 'Baicheng', 220802: 'Taobei', 220821: 'Zhenlai', 220822: 'Tongyu', 220881: 'Taonan',
  220882: "Da'an",
  222400: 'Yanbian', 222401: 'Yanji', 222402: 'Tumen', 222403: 'Dunhua', 222404: 'Hunchun',
  222405: 'Longjing', 222406: 'Helong', 222424: 'Wangqing', 222426: 'Antu',
};
