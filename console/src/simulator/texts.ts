/** Every Chinese sentence of the simulated telephone. */

import * as staff from "../shared/staff/texts";

export const page = {
  title: "模拟电话",
  tagline: "走的是真电话的同一条路。来电不会通知任何人，产生的工单标为模拟，不派单。",
};

export const signIn = {
  hint: "督办员和管理员可以使用。",
  notAllowed: "这个账号不能使用模拟电话，请用督办员或管理员账号。",
  off: "模拟电话没有打开。设置 HOTLINE_SIMULATOR=true 并重新启动后可用。",
};

export const phone = {
  label: "电话",
  number: "来电号码",
  withheld: "不显示号码",
  call: "拨打 12345",
  hangUp: "挂机",
  keypad: "拨号键盘",
  keyboard: "键盘上的 0–9、*、# 也可以用。",
  collected: "已按",
  elapsed: "通话",
};

export const speech = {
  label: "说的话",
  placeholder: "写下来电人说的话，按回车说出",
  say: "说",
  confidence: "识别置信度",
  silence: "不出声",
  noise: "噪音",
};

export const options = {
  voice: "朗读提示音",
  timer: "到时自动算没出声",
  noVoice: "这个浏览器没有中文语音，只显示文字。",
};

export const queue = {
  title: "排队",
  name: "队列",
  position: "前面的人数",
  waited: "已等",
  more: "再等 30 秒",
  answered: "坐席接听，说完",
  full: "队列已满",
};

export const recorder = {
  title: "正在录音",
  seconds: "留言秒数",
  done: "说完，按 #",
  nothing: "没有说话",
};

export const dial = {
  title: "正在接通",
  answered: "对方接听，说完",
  nobody: "无人接听",
  room: "会议室",
  leaveRoom: "离开会议室",
};

export const doing: Record<string, string> = {
  idle: "待机",
  asking: "等待系统回应",
  listening: "在听您说",
  recording: "录音中",
  queued: "排队中",
  ringing: "振铃中",
  conferring: "会议中",
  over: "已挂机",
};

export const transcript = {
  label: "通话记录",
  hotline: "12345",
  caller: "来电人",
  empty: "还没有通话。",
  music: "♪ 等候音乐",
  beep: "（嘀）",
  pressed: (keys: string) => `按键 ${keys}`,
  said: (words: string, confidence: number) => `${words}（置信度 ${confidence.toFixed(2)}）`,
  silent: "（没有出声）",
  noise: "（噪音）",
  recorded: (seconds: number) => `（留言 ${seconds} 秒）`,
  enqueued: (queue: string) => `进入队列 ${queue}`,
  dialling: (number: string) => `呼叫 ${number}`,
  started: (number: string) => `来电 ${number}`,
  talked: "与坐席通话后返回",
  nobody: "没有接通",
  left: "离开队列",
  hungUp: "来电人挂机",
  ended: "系统挂机",
  lost: (keys: string) => `按键 ${keys} 没有被收取`,
};

export const inspector = {
  label: "检查",
  state: "流程状态",
  twiml: "TwiML",
  steps: "步骤耗时",
  raw: "全部状态（JSON）",
  none: "打电话后显示。",
  step: "步",
  request: "请求",
  took: "毫秒",
  status: "状态码",
  save: "存为情景文件",
  saved: "已存为",
};

export const state: Record<string, string> = {
  where: "位置",
  step: "步数",
  line: "线路",
  expects: "等待",
  silences: "连续没出声",
  no_matches: "连续没听清",
  choices: "可选",
  pieces: "已说的段数",
  closed: "事情已了",
  pace: "语速",
  order: "工单号",
};

export const names: Record<string, string> = {
  greeting: "开场",
  talk: "与机器人对话",
  story: "叙述事情",
  proof: "身份核对",
  orders: "听自己的工单",
  supplement: "补充情况",
  dialect: "选方言坐席",
  waiting: "排队或转接",
  nobody: "无人接听",
  message: "留言",
  family: "输入家人号码",
  over: "已结束",
  citizen: "民生",
  enterprise: "政企通",
  leader: "领导接听",
  speech: "说话",
  phone: "电话号码",
  digits: "数字",
  choice: "选择",
  nothing: "不等待",
  normal: "正常",
  slow: "慢",
  true: "是",
  false: "否",
  goodbye: "系统道别",
  caller_left: "来电人挂机",
  not_connected: "未接通",
  lost: "中断",
};

export const calls = {
  title: "来电记录",
  simulated: "模拟来电",
  real: "真实来电（号码已隐去）",
  refresh: "刷新",
  none: "没有来电。",
  started: "时间",
  caller: "号码",
  line: "线路",
  outcome: "结束",
  seconds: "时长",
  scenario: "情景",
  going: "进行中",
  save: (sid: string) => `把来电 ${sid} 存为情景文件`,
  short: "存",
};

export const problem = {
  network: staff.problem.network,
  refused: (status: number, detail: string) => `${status}：${detail}`,
  carrier: (status: number) => `系统回应 ${status}，来电人此时会听到运营商的错误提示。`,
};
