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
