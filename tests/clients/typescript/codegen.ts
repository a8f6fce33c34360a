import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: '../../../schema.graphql',
  documents: '../operations/*.graphql',
  // The sources are ES modules, in which an import names its file in full.
  importExtension: '.js',
  // docs:begin config
  generates: {
    'src/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        // Keep names as in the schema, such as APITokenStatus, and times as strings (RFC 3339).
        namingConvention: 'keep',
        scalars: { DateTime: 'string' },
      },
    },
  },
  // docs:end
}

export default config
