package explain

// The other causes. They are for people to read: nobody should have to decide by
// them.
const (
	causeNotSigned        Cause = "not_signed"        // there is no header
	causeHeaderChanged    Cause = "header_changed"    // on its way, by a proxy
	causeTwoSignatures    Cause = "two_signatures"    // in one header
	causeHeaderMalformed  Cause = "header_malformed"  // beyond repair
	causeSecretKind       Cause = "secret_kind"       // a secret that signs something else
	causeSecretPadded     Cause = "secret_padded"     // white space or quotes around a secret, or several in one
	causeOtherSecret      Cause = "other_secret"      // one of OtherSecrets
	causeTooOld           Cause = "too_old"           // kept for too long, or this clock is ahead
	causeClockBehind      Cause = "clock_behind"      // signed in the future
	causeMilliseconds     Cause = "milliseconds"      // t counts them, and not seconds
	causePrettyPrinted    Cause = "pretty_printed"    // white space between the members
	causeTrailingSpace    Cause = "trailing_space"    // around the body, often a line break at its end
	causeByteOrderMark    Cause = "byte_order_mark"   // in front of the body
	causeHTMLEscaped      Cause = "html_escaped"      // \u003c for <, as encoding/json has it
	causeNonASCIIEscaped  Cause = "non_ascii_escaped" // \u00e9 for é
	causeReencoded        Cause = "reencoded"         // parsed, and written in another way
	causeCompressed       Cause = "compressed"        // gzip or another Content-Encoding
	causeUTF16            Cause = "utf_16"
	causeNotUTF8          Cause = "not_utf_8"     // in Latin-1 or Windows-1252
	causeCutShort         Cause = "cut_short"     // the end of the body is missing
	causeMoreThanOne      Cause = "more_than_one" // something follows the object
	causeFormEncoded      Cause = "form_encoded"  // payload=%7B…
	causePercentEncoded   Cause = "percent_encoded"
	causeMultipart        Cause = "multipart"         // of FormData
	causeLambdaEvent      Cause = "lambda_event"      // as a whole, instead of the body in it
	causeNestedPayload    Cause = "nested_payload"    // {"payload":{…},"user_id":…}
	causeEnvelope         Cause = "envelope"          // {"data":{…}}, with all that was signed in it
	causeOtherIDs         Cause = "other_ids"         // in the body, than beside it
	causeMojibake         Cause = "mojibake"          // Ã© for é
	causeNormalized       Cause = "normalized"        // to another form of Unicode
	causeReplaced         Cause = "replaced"          // U+FFFD for what could not be read
	causeLineBreaks       Cause = "line_breaks"       // CRLF for LF in a value, and the like
	causeRetyped          Cause = "retyped"           // "1" for 1, and the like
	causeEncodedTwice     Cause = "encoded_twice"     // JSON in a JSON string
	causeBase64           Cause = "base64"            // as some gateways hand bodies on
	causeWrongSource      Cause = "wrong_source"      // what is signed came where the Verifier does not look
	causeBodyGone         Cause = "body_gone"         // something has read it before
	causeIDsNotLast       Cause = "ids_not_last"      // user_id and account_id stand elsewhere
	causeIDsMissing       Cause = "ids_missing"       // they are not in the body
	causeIDsSwapped       Cause = "ids_swapped"       // each in the other's place
	causeReordered        Cause = "reordered"         // members in another order
	causeOnlyIDsSigned    Cause = "only_ids_signed"   // no payload was given to fetchStripeSignature
	causeUnsignedMembers  Cause = "unsigned_members"  // members that were not given to it
	causeNoUser           Cause = "no_user"           // signed without a user_id
	causeInstallSignature Cause = "install_signature" // of an install link
	causeWebhook          Cause = "webhook"           // an event, where requests of extensions are expected
	causeRequest          Cause = "request"           // the other way round
	causeMalformedEvent   Cause = "malformed_event"   // signed, but no event
	causeEventSecret      Cause = "event_secret"      // an event, signed with an app's secret
	causeInstallQuery     Cause = "install_query"     // of a redirect, which cannot be read in one way only
	causeInstallCancelled Cause = "install_cancelled" // or failed, as the redirect says
	causeInstallOAuth     Cause = "install_oauth"     // a redirect that brings a code
	causeInstallNotSigned Cause = "install_not_signed"
	causeNotStarted       Cause = "install_not_started" // without a state
	causeStateChanged     Cause = "state_changed"       // in a redirect
	causeNoIdentity       Cause = "no_identity"         // signed, but the ids cannot be read
	causeUnknownMember    Cause = "unknown_member"      // to DecodePayload
	causeBodyTooLarge     Cause = "body_too_large"      // to be looked into
)
