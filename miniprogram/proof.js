// For resolvers that don't know the exports of package.json.
module.exports = require('./dist/proof.js')
