package probe

import "slices"

// Cases returns the cases of Http11Probe's suites: compliance (RFC and COMP), malformed
// input (MAL), normalisation (NORM) and smuggling (SMUG), with the outcomes that the suite
// accepts. They are ordered by topic.
func Cases() []Case {
	return slices.Concat(
		requestLineCases(), targetCases(), versionCases(),
		hostCases(), fieldCases(), upgradeCases(), responseCases(),
		bodyCases(), contentLengthCases(), transferEncodingCases(),
		chunkCases(), chunkExtensionCases(), trailerCases(),
		smuggledRequestCases(), desyncCases(),
		garbageCases(),
	)
}
