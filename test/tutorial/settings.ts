/** The connector of the tutorial, "Configure Device Identity Format": Base 10, length 8, devices do not register themselves. */
export const tutorialSettings = {
  identity_format: { type: 'base10', prefix: '', options: { casing: 'mixed', length: 8 } },
  provisioning: {
    enabled: true,
    auth_type: 'token',
    presenter_identity: false,
    ip_whitelisting: { enabled: false, allowed: [] },
  },
};

/** `identities.csv` as the tutorial prints it. */
export const identitiesCsv = `ID,TLS Client Certificate,Tags
00000001,,"[{""name"": ""group"", ""value"": ""g1""},{""name"": ""claim_code"", ""value"": ""abc""}]"
00000002,,"[{""name"": ""group"", ""value"": ""g1""},{""name"": ""claim_code"", ""value"": ""abc""}]"
00000003,,"[{""name"": ""group"", ""value"": ""g2""},{""name"": ""claim_code"", ""value"": ""def""}]"
00000004,,"[{""name"": ""group"", ""value"": ""g2""},{""name"": ""claim_code"", ""value"": ""def""}]"
00000005,,"[{""name"": ""group"", ""value"": ""g3""},{""name"": ""claim_code"", ""value"": ""def""}]"
`;
