namespace PyResolve;

/// <summary>The texts of problems. Compiled into the server and into PyResolve.Testing, whose fake server answers with the same.</summary>
internal static class ProblemTexts
{
    public const string AuditCursorUnknown = "The cursor is not one that this server gave. Leave it out to start at the newest entry.";
    public const string WrongPassword = "Wrong password.";
    public const string EmailTokenUnknown = "is unknown, used or expired. Ask for a new email.";
    public const string SignUpClosed = "This server takes no new accounts. Ask its operator to invite you (accounts invite).";
    public const string EmailTaken = "There is an account with this email already. Log in instead.";
    public const string WrongLogin = "Wrong email or password.";
    public const string CodeRequired =
        "This account has a second factor. Send the code that your app shows now, or a recovery code, as code.";
    public const string WrongCode = "The code is wrong, or was used already. Wait for the next one that your app shows.";
    public const string CodeUnknown = "is wrong, or was used already. Wait for the next one that your app shows.";
    public const string SessionRequired = "This needs a session: log in, and send the session token instead of an API key.";
    public static string ScopeMissing(string scope) => $"This API key lacks the scope '{scope}'. Make one that has it, or log in.";
    public const string TwoCredentials = "Send either X-API-Key or Authorization, not both.";
    public const string ApiKeyMalformed = "Invalid API key format";
    public const string ApiKeyUnknown = "Invalid or revoked API key";
    public const string SessionUnknown = "Invalid or expired session. Log in again.";
    public const string SessionNotFound = "There is no such session. GET /auth/sessions lists yours.";
    /// <param name="sold">The plans that are sold.</param>
    public static string PlanNotSold(IEnumerable<string> sold)
    {
        var quoted = sold.Select(static plan => $"'{plan}'").ToList();
        if (quoted.Count == 0)
            return "Invalid plan. None is sold here";
        var others = string.Join(", ", quoted.Take(quoted.Count - 1));
        var last = quoted.Skip(quoted.Count - 1).Single();
        return others.Length == 0 ? $"Invalid plan. Use {last}" : $"Invalid plan. Use {others} or {last}";
    }
    public const string CurrencyConflict =
        "Stripe bills this account in another currency already, and a customer has one currency. End what is billed in it, in the portal "
        + "(GET /billing/portal), or ask the operator.";
    public const string PlanNotForSale = "This plan is not for sale at the moment. Choose another one, or ask the operator.";
    public const string AlreadySubscribed = "This account has a subscription already. Change it in the portal.";
    public const string WrongType = "has a value of the wrong type, form or size.";
    public static string NumberRange(long lowest, long highest) => $"must be a number from {lowest} to {highest}.";
    public const string NotAMonth = "must be a calendar month, such as 2026-11.";
    public const string NotJson = "Send the body as application/json in UTF-8.";
    public const string BodyTooLarge = "The body is larger than this route takes.";
    public const string NotUtf8 = "The body is not UTF-8.";
    public static string MalformedJson(Exception exception) => $"The body is not well-formed JSON: {exception.Message}";
    public const string NotAnObject = "must be a JSON object.";
    public const string DeviceCodeUnknown = "This device code is unknown, or was redeemed before. Start again with POST /auth/device/code.";
    public const string DeviceLoginDenied = "The login was denied.";
    public const string DeviceLoginExpired = "Nobody approved this login in time. Start again with POST /auth/device/code.";
    public const string PolledTooSoon = "Polled too soon. Wait 5 seconds longer between polls from now on.";
    public const string DeviceLoginPending = "Nobody has approved this login yet. Poll again after the interval.";
    public const string IsRequired = "is required.";
    public const string IsEmpty = "is empty.";
    public static string TooLong(int longest) => $"is longer than {longest} characters.";
    public const string NotPlainText = "has a control character or half a character (a lone surrogate).";
    public const string NotVisibleText = "has a character that is invisible or changes the direction of text.";
    public const string NotAnEmail = "must be an email address, such as ada@example.com.";
    public static string Range(long lowest, long highest) => $"must be from {lowest} to {highest}.";
    public const string NotATier = "must be tier1, tier2 or tier3.";
    public const string MetadataTooLarge = "is larger than 16 KiB.";
    public const string ApiKeyNotFound = "There is no such API key. GET /auth/api-keys lists yours.";
    public const string NoScope = "must name at least one scope.";
    public const string NotInFuture = "must be in the future.";
    public const string KeyBeyondExpiry = "A key can make keys only within its own expiry.";
    public const string KeyNotLive = "This API key is revoked, expired or replaced already. Create a new one.";
    public const string RevocationBeyondKey = "A key can revoke only keys within its own scopes, expiry and limit.";
    public static string ApiKeyCreatedBefore(string prefix, Guid id) =>
        $"This Idempotency-Key created the API key {prefix}… already, and a key is shown only once. If that answer was lost, "
        + $"POST /auth/api-keys/{id}/rotate replaces the key by a new one. To create another key, use a new Idempotency-Key.";
    public static string NotDeviceScopes(IEnumerable<string> allowed) =>
        $"must be some of {string.Join(", ", allowed)}, separated by spaces. A device cannot get the scope keys.";
    public const string KeyCursorUnknown = "is not one that this server gave. Leave it out to start at the newest key.";
    public const string NotAKeyState = "must be active or all.";
    public const string RotationBeyondKey = "A key can rotate only keys within its own scopes, expiry and limit.";
    public const string InvoiceCursorUnknown = "is not one that this server gave. Leave it out to start at the newest invoice.";
    public const string EventIdTakenOnCommit = "Another usage event has this id already. Send another id, or none.";
    public const string ReservationNotFound = "There is no such reservation.";
    public const string IdempotencyKeyMalformed = "must be 1 to 255 visible ASCII characters.";
    public const string NotAReservationState = "must be held, committed, released or expired.";
    public const string ReservationCursorUnknown = "is not one that this server gave. Leave it out to start at the newest reservation.";
    public static string HeldUntil(DateTimeOffset end) =>
        $"The earliest reservation that is held ends at {end.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}: wait until then, or release it "
        + "(GET /quota/reservations?state=held lists them).";
    public const string ReservationCommitted = "This reservation is committed: its migration is used and cannot be given back.";
    public static string ReservationEnded(string state) => $"This reservation is {state}: only one that is held can be extended.";
    public const string ReservationLeased = "This reservation is a lease: when it ends is signed, and cannot be changed.";
    public const string IdempotencyKeyUsed = "This Idempotency-Key was used for another request. Use a new one for each new request.";
    public const string MethodNotAllowed = "This path does not know this method. The Allow header lists those that it knows.";
    public const string PathNotFound = "There is nothing at this path. GET /openapi/v1.json lists what there is.";
    public const string NoMigrator = "has no migrator on this server.";
    public const string MigrationNotFound = "There is no such migration on this server, or it ended more than 15 minutes ago.";
    public const string MigrationStopped = "The migration was stopped. Nothing was charged.";
    public static string MigrationFailed(string failure, string tail) =>
        $"The migrator failed: {failure}. Nothing was charged.{(tail.Length == 0 ? "" : $" Its last output: {tail}")}";
    public static string TooManyMigrations(int running) =>
        $"{running} migrations of this account run on this server already. Wait for one to end.";
    public const string EventCursorUnknown = "is not one that this server gave. Leave it out to start at the newest event.";
    public const string NotAnEventType = "must be a lower-case letter, then up to 63 of a-z, 0-9 and _.";
    public const string TooLongAgo = "must be at most 35 days back.";
    public static string TooFarAhead(DateTimeOffset now) =>
        $"is more than 5 minutes ahead of this server's clock, which says {now.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}. "
        + "Correct the clock, or send the event again later: it is accepted once it is at most 5 minutes ahead.";
    public const string ReservationOfMigrationOnly = "can be named by a migration only.";
    public const string TwoIds = "The body's id and the Idempotency-Key differ. Send one of them.";
    public const string NotOfReservation = "must be that of the reservation.";
    public const string EventIdTaken = "Another usage event has this id already. Use a new id for each event.";
}
