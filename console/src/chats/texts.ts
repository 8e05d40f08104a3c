/** Every Chinese sentence of the seat's page for written conversations. */

import type { Ending, Matter, State, Who } from "./model";
import type { Remark } from "./remarks";

export const page = {
  title: "在线对话",
  tagline: "网页和微信里要找工作人员的市民",
  /** Of the browser's tab; `calling` conversations want something of the seat. */
  tab: (calling: number) => (calling ? `（${calling}）在线对话 · 连心桥` : "在线对话 · 连心桥"),
};

export const signIn = {
  hint: "坐席、派单员和管理员可以使用。登录后请保持页面打开，市民才能转到您这里。",
  notAllowed: "这个账号不能接在线对话，请用坐席或派单员账号。",
};

export const panes = { queue: "队列", talk: "对话", order: "工单", knowledge: "知识库" };
export const side = { label: "对话旁边", places: { order: "登记工单", knowledge: "查知识库" } };

export const tools = {
  sound: "提示音",
  keys: "快捷键",
};

export const connection = {
  lost: (since: string) => `连不上服务器，正在重试。显示的是 ${since} 的情况；您写的话都留着，连上后自动送出。`,
  news: (count: number) => (count ? `${count} 个对话在等您` : ""),
};

export const queue = {
  label: "队列",
  groups: { waiting: "等待接入", mine: "我的对话", others: "其他坐席" },
  loading: "正在取队列…",
  empty: "现在没有人等待。有市民找人工时，这里会出现，标签页标题会有数字。",
  enterprise: "政企",
  unread: "有新消息",
  waited: "已等",
  seat: (login: string) => `${login} 接待中`,
  unsent: (count: number) => `${count} 句话没有送到`,
};

export const channels: Record<string, string> = { web: "网页", wechat: "微信" };
export const lines: Record<string, string> = {
  citizen: "民生",
  enterprise: "政企通",
  deputy: "人大代表",
  finance: "金融服务",
  suggestion: "人民建议",
  leader: "领导接听",
};
export const states: Record<State, string> = { waiting: "等待接入", talking: "对话中", ended: "已结束" };
export const endings: Record<Ending, string> = {
  citizen: "市民不再等待，已回到智能助手",
  handed_back: "已转回智能助手",
  closed: "已结束",
  silent: "许久没有新消息，已自动结束",
  nobody: "等候太久，已自动登记为工单",
};

export const talk = {
  label: "对话",
  none: "从队列里选一个对话。",
  noneHint: "键盘：J、K 上下选择，回车接入或打开，按 ? 看全部快捷键。",
  loading: "正在取对话…",
  failed: "取不到这个对话。",
  again: "重试",
  name: (id: number) => `对话 ${id}`,
  log: "对话内容",
  newer: "看最新的话",
  take: "接入",
  handBack: "转回机器人",
  close: "结束对话",
  waiting: "智能助手已暂停，市民在等待。接入后可以回复。",
  others: (login: string) => `${login} 正在接待，您只能看。`,
  over: (how: string) => `${how}。对话记录已保存。`,
};

export const who: Record<Who, string> = { citizen: "市民", bot: "智能助手", seat: "坐席", system: "系统" };
export const me = "我";

export const files = {
  picture: "看图片",
  video: "看视频",
  voice: "听语音",
  enlarge: "放大图片",
  close: "关闭",
  loading: "正在取…",
  failed: "取不到，重试",
  unplayable: "这种格式浏览器放不了，下载",
};

export const remark: Record<Remark["state"], string> = {
  sending: "正在发送",
  said: "已送达",
  failed: "没有送到，自动重试中",
  refused: "没有送到：这个对话已不在您手上",
};
export const remarkActions = { retry: "重试", discard: "不发了" };

export const composer = {
  label: "回复市民",
  placeholder: "回复市民，输入 / 选常用语",
  send: "发送",
  canned: "常用语",
  hint: "回车发送，Shift＋回车换行，Esc 离开输入框",
  over: (count: number) => `超出 ${count} 字，请分两次发送`,
};

export const order = {
  label: "工单",
  orders: "这个对话的工单",
  understood: "智能助手的理解",
  none: "打开一个对话，这里是智能助手的理解和要登记的工单。",
  nothing: "智能助手还没有听出具体事情。",
  title: "登记工单",
  takeFirst: "接入后可以登记工单。",
  unknown: "不详",
  person: "由派单员定",
  area: ["县市区", "乡镇街道", "村社区"],
  submit: "登记并告知市民",
  submitting: "正在登记…",
  filed: (number: string) => `已登记 ${number}，工单号和查询码已发给市民。`,
  more: "再登记一件",
};

export const fields: Record<keyof Matter, string> = {
  text: "诉求内容",
  category: "类别",
  nature: "性质",
  area_code: "区域",
  place: "地点",
  occurred: "发生时间",
  contact_name: "称呼",
  contact_phone: "联系电话",
  company_name: "企业名称",
  credit_code: "统一社会信用代码",
  confidential: "保密（只有热线知道是谁）",
};

export const confirm = {
  cancel: "取消",
  handBack: { title: "转回机器人？", text: "市民会看到“已转回智能助手”，之后由智能助手继续。", confirm: "转回机器人" },
  close: { title: "结束这个对话？", text: "市民会看到“本次人工服务已结束”。对话记录会保存。", confirm: "结束对话" },
  unsent: "有话还没有送到，结束后就送不到了。",
};

export const keys = {
  title: "快捷键",
  close: "知道了",
  list: [
    ["J / K", "在队列里向下、向上"],
    ["回车", "接入等待的对话，打开别的对话"],
    ["空格", "只打开看，不接入"],
    ["R", "回到输入框"],
    ["Esc", "离开输入框，回到队列"],
    ["/", "查知识库；在空的输入框里：常用语"],
    ["?", "看快捷键"],
  ],
};

export const problem = {
  taken: "这个对话已经不在等待了。",
  most: "您手上的对话已到上限，请先结束一个。",
  notYours: "这个对话已不在您手上。",
  wrong: (fields: string) => `请改正：${fields}。`,
  filedBefore: "上一次其实已经登记成功，工单号见上面；要更正请在那张工单里补充。",
  refused: (status: number, detail: string) => `${status}：${detail}`,
};
