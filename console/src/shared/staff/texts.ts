/** What every page of the staff says. */

export const signIn = {
  title: "登录",
  login: "账号",
  password: "密码",
  submit: "登录",
  byToken: "用令牌登录",
  token: "令牌",
  useToken: "使用令牌",
  entering: "正在登录…",
  signOut: "退出",
  expired: "登录已失效，请重新登录。",
};

export const problem = {
  network: "连不上服务器。",
};

export const knowledge = {
  label: "知识库",
  box: "查知识库",
  placeholder: "市民问的话，或者关键词",
  submit: "查",
  offer: "回车，用市民的话查：",
  sourced: "粘贴时带上依据和日期",
  hint: "↓ 到结果，回车贴简答，→ 到其他按钮，Esc 回到回复框。只是写进去，不会自动发送。",
  cannotPaste: "接入对话后可以粘贴到回复里；现在可以复制。",
  results: "查到的条目",
  searching: "正在查…",
  verdicts: {
    answer: "第一条很可能就是答案",
    choice: "有几条都可能，请问清楚再选",
    unsure: "没有把握的答案，请核对后再用",
  },
  none: "没有查到，换个说法试试",
  trouble: {
    offline: "连不上服务器，请再查一次",
    tooMany: "查得太快了，请稍等再查",
    failed: "系统出了问题，请稍后再查",
    gone: "没有查到",
  },
  source: (source: string) => `依据${source}`,
  noSource: "没有写明依据",
  pasteShort: "贴简答",
  pasteFull: "贴全文",
  more: "看全文",
  less: "收起",
  copy: "复制",
  copied: "已复制",
  copyFailed: "复制不了",
};
