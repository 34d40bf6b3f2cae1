export * from './dist/proof'
