// The public types of the package. This file imports nothing, so every other file can import it.

export interface GatewayOptions {
  /** The URL of wxgate, such as https://api.example.com, with a path if it has one, without a query. http:// only for localhost and IP addresses. */
  baseURL: string
  /** Only needed if one gateway serves several mini programs and can't tell them apart by WeChat's Referer. */
  appid?: string
  /** The gateway's auth_prefix. Default: /auth. */
  auth?: string
  /** Where the token is kept. Default: the platform's own storage. */
  storage?: Storage
  /** Called after the first login of a user who is new to the gateway. */
  onNewUser?: (response: LoginResponse) => void
  /** `uni` or `Taro` on these frameworks. Default: wx. */
  platform?: Platform
  /** Signs calls with the user's key from WeChat: the result of newProof of wxgate-miniprogram/proof. */
  proof?: Proof
}

/** The functions of `wx` that this package uses. `uni` and `Taro` have the same. */
export interface Platform extends Storage {
  request(options: any): any
  uploadFile(options: any): any
  downloadFile(options: any): any
  connectSocket(options: any): any
  login(options: any): any
}

/** Signs calls, for routes that need a proof. Created by newProof of wxgate-miniprogram/proof. */
export interface Proof {
  /** Returns the options of a call with its proof, or the options unchanged if WeChat provides no key. */
  sign(api: string, options: any): Promise<any>
  /**
   * Corrects the clock or fetches a newer key if the response to a call requires it. `code` is the gateway's error code. It is
   * undefined for a failed handshake, where `result` is the response to another call. Resolves with whether the call should
   * be signed again and sent again.
   */
  adapt(sent: any, result: any, code?: string): Promise<boolean>
}

export interface ProofOptions {
  /** Only calls whose path begins with one of these are signed, such as ['/api/pay/']. Default: all. */
  paths?: string[]
  /** The source of the keys. Default: wx, on uni-app and Taro too. */
  platform?: CryptoPlatform
}

/** The functions of `wx` that proofs need: base library 2.17.3 or later. */
export interface CryptoPlatform {
  getUserCryptoManager(): any
  getRandomValues(options: any): any
}

export interface Storage {
  getStorageSync(key: string): any
  setStorageSync(key: string, value: any): void
  removeStorageSync(key: string): void
}

/** The methods don't use `this`, so they can be destructured and passed around. */
export interface Gateway {
  /** Like wx.request; also accepts a URL as first argument. The method PATCH is sent as POST with X-HTTP-Method-Override. */
  request<T extends Data = Data>(options: RequestOptions<T>): Call<WechatMiniprogram.RequestSuccessCallbackResult<T>, WechatMiniprogram.RequestTask>
  request<T extends Data = Data>(
    url: string,
    options?: Partial<RequestOptions<T>>,
  ): Call<WechatMiniprogram.RequestSuccessCallbackResult<T>, WechatMiniprogram.RequestTask>
  /** Like wx.uploadFile. */
  uploadFile(options: WechatMiniprogram.UploadFileOption): Call<WechatMiniprogram.UploadFileSuccessCallbackResult, WechatMiniprogram.UploadTask>
  /** Like wx.downloadFile. */
  downloadFile(
    options: WechatMiniprogram.DownloadFileOption,
  ): Call<WechatMiniprogram.DownloadFileSuccessCallbackResult, WechatMiniprogram.DownloadTask>
  /** Like wx.connectSocket; an http baseURL becomes ws, an https one wss. A failed login is also reported to onError. */
  connectSocket(options: WechatMiniprogram.ConnectSocketOption): Call<WechatMiniprogram.SocketTask, WechatMiniprogram.SocketTask>
  /** Logs in even if there is a session, to get a new one or to submit a phone code. Calls log in by themselves. */
  login(options?: { phoneCode?: string; prefetched?: LoginResponse } & Callbacks<LoginResponse>): Promise<LoginResponse>
  /**
   * Ends this session, or with `all` every session of the user. The next call logs in again. Calls already in flight don't;
   * they end with the gateway's 401. With `resetKey`, WeChat also invalidates the user's session_key.
   */
  logout(options?: { all?: boolean; resetKey?: boolean } & Callbacks<void>): Promise<void>
  /**
   * Checks with the gateway whether the session is valid, and logs in if not. Call it before you show a phone number button,
   * because WeChat charges for the tap even if the session has ended. With `sessionKey` it also checks WeChat's session_key,
   * which buttons that return encryptedData need.
   */
  ensureSession(options?: { sessionKey?: boolean } & Callbacks<SessionInfo>): Promise<SessionInfo>
  /**
   * Submits the event detail of a phone number button: code, or encryptedData and iv. If it has neither, for example because
   * the user has refused, the promise rejects with the detail's errMsg and errno, and nothing is sent. On session_key_stale,
   * ask the user to tap again.
   */
  bindPhone(detail: { code?: string; encryptedData?: string; iv?: string; errMsg?: string; errno?: number } & Callbacks<PhoneNumber>): Promise<PhoneNumber>
  /** Stores nickname and avatar, or the signed result of wx.getUserProfile. */
  setProfile(profile: (ProfileInput | SignedProfile) & Callbacks<Profile>): Promise<Profile>
  /** The URL for a <web-view> in which the user is already logged in; the page's route must accept cookies. Valid for 60 s. */
  webviewURL(page: string): Promise<string>
}

/** A promise that is also the task of the call, even while the SDK is still logging in. */
export type Call<Result, Task> = Promise<Result> & Task

export type Data = string | WechatMiniprogram.IAnyObject | ArrayBuffer

export type RequestOptions<T extends Data = Data> = Omit<WechatMiniprogram.RequestOption<T>, 'method'> & {
  method?: WechatMiniprogram.RequestOption['method'] | 'PATCH'
}

/** The callbacks of every `wx` call. The promise settles in addition. */
export interface Callbacks<T> {
  success?: (result: T) => void
  fail?: (error: any) => void
  complete?: (outcome: any) => void
}

/** The gateway's response to a login; times in seconds. */
export interface LoginResponse {
  token: string
  token_type: 'Bearer'
  expires_in: number
  session_expires_in: number
  is_new_user: boolean
  phone?: PhoneNumber
}

export interface SessionInfo {
  appid: string
  expires_in: number
  session_expires_in: number
  user: Profile & { user_id?: string; phone?: string }
}

export interface PhoneNumber {
  phone_number: string
  pure_phone_number: string
  country_code: string
}

export interface Profile {
  nickname?: string
  avatar_url?: string
}

export interface ProfileInput {
  nickname?: string
  avatarUrl?: string
  /** Same as avatarUrl, with the name that it has in Profile. */
  avatar_url?: string
}

/** The result of wx.getUserProfile. */
export interface SignedProfile {
  rawData: string
  signature: string
  encryptedData?: string
  iv?: string
}

/** The error of login, logout, ensureSession, bindPhone, setProfile or webviewURL if there was a response. */
export interface GatewayError extends Error {
  /** In wx's format: `login:fail user_blocked …`. */
  errMsg: string
  /** The gateway's error code, or `http_502` and the like if a proxy in front of it has responded. */
  code: string
  statusCode: number
  requestId?: string
  /** Milliseconds to wait before a retry, if the gateway sent Retry-After. */
  retryAfter?: number
}

export interface CloudRunOptions {
  /** A path prefix for each service of X-WX-SERVICE, such as {orders: '/orders'}. */
  services?: Record<string, string>
}
