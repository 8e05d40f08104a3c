import type { Connection, Delivery, Line } from "./model";

/** Every Chinese sentence of the chat page (index.html has its title and what is read without scripts). */

export const header = {
  name: "连心桥",
  number: "12345",
  tagline: "政务服务便民热线",
  line: "我是",
  restart: "重新开始",
};

export const lines: Record<Line, string> = { citizen: "市民", enterprise: "企业" };

export const connection: Record<Connection, string> = {
  connecting: "正在连接",
  online: "已连接",
  offline: "正在重新连接",
};

export const offlineNotice = "网络不通，正在重新连接。您写的话都留着，连上后自动送出。";

export const opening = {
  title: "您好，有什么事请直接说",
  text: "用平常的话写下是什么事、在哪里、什么时候，我们会登记成工单，交给负责的单位，并给您工单号。全天 24 小时都可以。",
  examples: "您可以这样开始",
};

export interface Example {
  title: string;
  says: string;
  line?: Line;
}

export const examples: Example[] = [
  { title: "反映问题", says: "我要反映一个问题" },
  { title: "查进度", says: "我想查一下工单的办理进度" },
  { title: "企业服务", says: "我是企业，有事要反映", line: "enterprise" },
  { title: "转人工", says: "转人工" },
];

export const emergency = {
  before: "危及生命安全，请直接拨打",
  numbers: [
    { number: "110", name: "报警" },
    { number: "119", name: "火警" },
    { number: "120", name: "急救" },
  ],
};

export const log = {
  label: "对话记录",
  citizen: "您说",
  hotline: "12345 回复",
  typing: "正在回复",
  loading: "正在取回之前的对话…",
  choices: "可以直接点选",
  newer: "看最新回复",
};

export const delivery: Record<Delivery, string> = {
  sending: "正在发送",
  sent: "已送达",
  retrying: "未送达，正在重试",
  refused: "没有发送成功",
};

export const order = {
  opened: "工单已登记",
  progress: "工单进度",
  number: "工单号",
  queryCode: "查询码",
  category: "类别",
  unit: "承办单位",
  state: "状态",
  keep: "请记下工单号和查询码，查进度时要用。",
  copy: "复制",
  copied: "已复制",
  copyFailed: "复制不了，请手工记下",
  print: "打印",
};

export const composer = {
  label: "您要说的话",
  placeholder: "请写下您的问题",
  send: "发送",
  hint: "按回车键发送，Shift＋回车换行",
  left: (count: number) => `还可以写 ${count} 字`,
  over: (count: number) => `超出 ${count} 字，请分两次发送`,
};

export const restart = {
  title: "重新开始？",
  text: "这台设备上将不再显示现在的对话。已经登记的工单照常办理，请先记下工单号和查询码。",
  unsent: (count: number) => `还有 ${count} 条消息没有得到答复，没送达的将不再发送。`,
  confirm: "重新开始",
  cancel: "继续现在的对话",
};
