import { createGateway, type GatewayError, type PhoneNumber } from 'wxgate-miniprogram'

interface Order {
  id: string
  cents: number
}

export const gateway = createGateway({ baseURL: 'https://api.example.com' })

export async function orders(): Promise<Order[]> {
  const { data } = await gateway.request<Order[]>('/api/orders')
  return data
}

export async function bind(e: WechatMiniprogram.ButtonGetPhoneNumber): Promise<PhoneNumber | undefined> {
  try {
    return await gateway.bindPhone(e.detail)
  } catch (error) {
    console.warn((error as GatewayError).code)
    return undefined
  }
}
