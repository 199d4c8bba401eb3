namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /auth/signup</c>.</summary>
public sealed record SignUpRequest
{
    /// <summary>The owner's email address; stored in lower case, unique.</summary>
    public string? Email { get; init; }

    /// <summary>8 to 256 characters.</summary>
    public string? Password { get; init; }

    /// <summary>The owner's name; default the part of the email address before the @.</summary>
    public string? Name { get; init; }

    /// <summary>Only the type's name, so that a password never reaches a log.</summary>
    public override string ToString() => nameof(SignUpRequest);
}

/// <summary>The body of <c>POST /auth/login</c>.</summary>
public sealed record LogInRequest
{
    /// <summary>The account's email address, in any case.</summary>
    public string? Email { get; init; }

    /// <summary>The account's password.</summary>
    public string? Password { get; init; }

    /// <summary>Where the account has a second factor: the six digits that its app shows now, or a recovery code. Each is accepted once.
    /// Without it, such a login fails with <see cref="ProblemCodes.TotpRequired"/>. Default: null.</summary>
    public string? Code { get; init; }

    /// <summary>Only the type's name, so that a password never reaches a log.</summary>
    public override string ToString() => nameof(LogInRequest);
}

/// <summary>An account, as its owner sees it.</summary>
/// <param name="Id">The account's id.</param>
/// <param name="Email">The email address, in lower case.</param>
/// <param name="Name">The owner's name.</param>
/// <param name="Plan">The plan's name in the server's catalogue, such as <c>free</c> or <c>pro</c>.</param>
public sealed record UserInfo(Guid Id, string Email, string? Name, string Plan);

/// <summary>The answer to <c>POST /auth/signup</c>: the only time that this key and this session are shown.</summary>
/// <param name="User">The new account.</param>
/// <param name="ApiKey">The account's first key, with the default scopes.</param>
/// <param name="SessionToken">A session, for managing the account.</param>
/// <param name="SessionExpiresAt">When the session ends.</param>
public sealed record SignUpResponse(UserInfo User, string ApiKey, string SessionToken, DateTimeOffset SessionExpiresAt)
{
    /// <summary>Only the account's id, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(SignUpResponse)} {User.Id}";
}

/// <summary>The answer to <c>POST /auth/login</c>.</summary>
/// <param name="User">The account.</param>
/// <param name="SessionToken">Sent as <c>Authorization: Bearer</c>.</param>
/// <param name="SessionExpiresAt">When the session ends.</param>
public sealed record LogInResponse(UserInfo User, string SessionToken, DateTimeOffset SessionExpiresAt)
{
    /// <summary>Only the account's id, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(LogInResponse)} {User.Id}";
}

/// <summary>The body of <c>GET /me</c>.</summary>
/// <param name="UserId">The account's id.</param>
/// <param name="Email">The email address, in lower case.</param>
/// <param name="Plan">The plan's name in the server's catalogue, such as <c>free</c> or <c>pro</c>.</param>
/// <param name="Quota">This month's quota.</param>
public sealed record AccountInfo(Guid UserId, string Email, string Plan, QuotaSnapshot Quota);

/// <summary>The body of <c>PATCH /me</c>.</summary>
public sealed record UpdateAccountRequest
{
    /// <summary>The owner's name: 1 to 200 characters.</summary>
    public string? Name { get; init; }
}

/// <summary>The answer to <c>PATCH /me</c>.</summary>
/// <param name="User">The account after the change.</param>
public sealed record UpdatedAccount(UserInfo User);

/// <summary>The body of <c>POST /auth/password</c>. The account's other sessions end; its keys stay.</summary>
public sealed record ChangePasswordRequest
{
    /// <summary>The current password.</summary>
    public string? CurrentPassword { get; init; }

    /// <summary>8 to 256 characters.</summary>
    public string? NewPassword { get; init; }

    /// <summary>Only the type's name, so that a password never reaches a log.</summary>
    public override string ToString() => nameof(ChangePasswordRequest);
}

/// <summary>The body of <c>POST /auth/password/forgot</c>. The answer is the same whether there is such an account or not.</summary>
public sealed record ForgotPasswordRequest
{
    /// <summary>The account's email address, in any case.</summary>
    public string? Email { get; init; }
}

/// <summary>
/// The body of <c>POST /auth/password/reset</c>. Every session of the account ends. Its keys are revoked as well by the first proof that
/// the mailbox is the owner's, since somebody else may have made them; by later ones if <see cref="RevokeApiKeys"/> says so.
/// </summary>
public sealed record ResetPasswordRequest
{
    /// <summary>The token from the email: valid once, for an hour.</summary>
    public string? Token { get; init; }

    /// <summary>The new password: 8 to 256 characters.</summary>
    public string? Password { get; init; }

    /// <summary>Whether every API key of the account is revoked as well. Default: no.</summary>
    public bool? RevokeApiKeys { get; init; }

    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(ResetPasswordRequest);
}

/// <summary>
/// The body of <c>POST /auth/email/verify</c>. Without the password or a session of the account, every key and session that was made before
/// is revoked: the token alone does not show who signed up with the address.
/// </summary>
public sealed record VerifyEmailRequest
{
    /// <summary>The token from the email: valid once, for 7 days.</summary>
    public string? Token { get; init; }

    /// <summary>The account's password, from who signed up themselves. Default: null.</summary>
    public string? Password { get; init; }

    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(VerifyEmailRequest);
}

/// <summary>The body of <c>DELETE /auth/account</c>.</summary>
public sealed record DeleteAccountRequest
{
    /// <summary>The account's password; not needed by an account that signs in through another service and has none.</summary>
    public string? Password { get; init; }

    /// <summary>Only the type's name, so that a password never reaches a log.</summary>
    public override string ToString() => nameof(DeleteAccountRequest);
}

/// <summary>The body of <c>POST /auth/email</c>. The address changes when the link in the email to the new one is used.</summary>
public sealed record ChangeEmailRequest
{
    /// <summary>The new email address.</summary>
    public string? Email { get; init; }

    /// <summary>The account's password; not needed by an account that signs in through another service and has none.</summary>
    public string? Password { get; init; }

    /// <summary>Only the type's name, so that a password never reaches a log.</summary>
    public override string ToString() => nameof(ChangeEmailRequest);
}

/// <summary>The answer to <c>POST /auth/totp</c>: the only time that this secret is shown. It has no effect until a first code of it is
/// confirmed.</summary>
/// <param name="Secret">In base32, to be typed into an authenticator app.</param>
/// <param name="OtpauthUrl">The same as a link, which apps scan as a QR code.</param>
public sealed record TotpSetup(string Secret, string OtpauthUrl)
{
    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(TotpSetup);
}

/// <summary>The body of <c>POST /auth/totp/confirm</c> and of <c>DELETE /auth/totp</c>.</summary>
public sealed record TotpCodeRequest
{
    /// <summary>The six digits that the app shows now; to turn the second factor off, a recovery code as well.</summary>
    public string? Code { get; init; }

    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(TotpCodeRequest);
}

/// <summary>The answer to <c>POST /auth/totp/confirm</c>: the second factor is on.</summary>
/// <param name="RecoveryCodes">Ten codes, each of which takes the place of the app's code once. They are shown only now.</param>
public sealed record TotpConfirmed(IReadOnlyList<string> RecoveryCodes)
{
    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(TotpConfirmed);
}
