using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class AccountRoutes
{
    private const int LongestName = 200;
    private const int LongestToken = 200;
    private const int AuditPage = 50;

    public static FakeAnswer SignUp(Call call)
    {
        if (!call.Server.IsSignUpOpen)
            throw new ProblemException(Problems.Forbidden(ProblemCodes.SignUpClosed, ProblemTexts.SignUpClosed));
        var body = call.Body<SignUpRequest>();
        var rules = new FieldErrors();
        rules.Email("email", body.Email);
        rules.Password("password", body.Password);
        rules.Label("name", body.Name, LongestName);
        rules.ThrowIfAny();

        var email = Normalize(body.Email!);
        if (Find(call, email) is not null)
            throw new ProblemException(Problems.Conflict(ProblemTexts.EmailTaken));
        var name = string.IsNullOrWhiteSpace(body.Name) ? email.Split('@')[0] : body.Name.Trim();
        var account = call.Server.OpenAccount(email, body.Password!, name);
        var session = account.Sessions[0];
        return FakeAnswer.Json(
            new(account.User, account.Keys[0].Secret, session.Token, session.ExpiresAt), WireJson.Default.SignUpResponse, 201);
    }

    public static FakeAnswer LogIn(Call call)
    {
        var body = call.Body<LogInRequest>();
        var rules = new FieldErrors();
        rules.Text("email", body.Email, 254, required: true);
        rules.Text("password", body.Password, FieldRules.LongestPassword, required: true);
        rules.ThrowIfAny();

        var account = Find(call, Normalize(body.Email!));
        if (account is null || account.Password != body.Password)
            throw new ProblemException(Problems.Unauthenticated(ProblemTexts.WrongLogin));
        var session = account.OpenSession(call.Now);
        call.Audit("session.opened", target: null, "owner", account);
        return FakeAnswer.Json(new(account.User, session.Token, session.ExpiresAt), WireJson.Default.LogInResponse);
    }

    public static FakeAnswer LogOut(Call call)
    {
        call.Account.Sessions.RemoveAll(session => session.Token == call.Caller.SessionToken);
        call.Audit("session.ended", target: null);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer ListSessions(Call call)
    {
        var open = call.Account.Sessions.Where(session => session.ExpiresAt > call.Now).Reverse().Select(session => new SessionInfo(
            session.Id, session.CreatedAt, session.CreatedAt, "127.0.0.1", UserAgent: null, session.Token == call.Caller.SessionToken));
        return FakeAnswer.Json(new([.. open]), WireJson.Default.SessionList);
    }

    public static FakeAnswer EndSession(Call call)
    {
        if (call.Account.Sessions.RemoveAll(session => session.Id == call.Id) == 0)
            throw new ProblemException(Problems.NotFound(ProblemTexts.SessionNotFound));
        call.Audit("session.ended", target: null);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Me(Call call)
    {
        var quota = call.Account.Quota(call.Now);
        return FakeAnswer.Json(new(call.Account.Id, call.Account.Email, quota.Plan, quota), WireJson.Default.AccountInfo);
    }

    public static FakeAnswer Rename(Call call)
    {
        var body = call.Body<UpdateAccountRequest>();
        var rules = new FieldErrors();
        rules.Label("name", body.Name, LongestName, required: true);
        rules.ThrowIfAny();
        call.Account.Name = body.Name!.Trim();
        call.Audit("account.renamed", target: null);
        return FakeAnswer.Json(new(call.Account.User), WireJson.Default.UpdatedAccount);
    }

    public static FakeAnswer ChangePassword(Call call)
    {
        var body = call.Body<ChangePasswordRequest>();
        var rules = new FieldErrors();
        rules.Text("current_password", body.CurrentPassword, FieldRules.LongestPassword, required: true);
        rules.Password("new_password", body.NewPassword);
        rules.ThrowIfAny();

        CheckPassword(call, body.CurrentPassword);
        call.Account.Password = body.NewPassword!;
        call.Account.Sessions.RemoveAll(session => session.Token != call.Caller.SessionToken);
        call.Account.ResetToken = null;
        call.Audit("password.changed", target: null);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer ForgotPassword(Call call)
    {
        var body = call.Body<ForgotPasswordRequest>();
        var rules = new FieldErrors();
        rules.Email("email", body.Email);
        rules.ThrowIfAny();
        if (Find(call, Normalize(body.Email!)) is { } account)
        {
            account.ResetToken = new(call.Now.AddHours(1));
            call.Audit("password.reset_asked", target: null, account: account);
        }

        return FakeAnswer.Accepted;
    }

    public static FakeAnswer ResetPassword(Call call)
    {
        var body = call.Body<ResetPasswordRequest>();
        var rules = new FieldErrors();
        rules.Text("token", body.Token, LongestToken, required: true);
        rules.Password("password", body.Password);
        rules.ThrowIfAny();

        var account = call.Server.Accounts.Find(account => account.ResetToken?.IsValid(body.Token!, call.Now) == true)
            ?? throw InvalidToken();
        account.Password = body.Password!;
        account.Sessions.Clear();
        if (body.RevokeApiKeys is true || !account.IsProved)
            account.RevokeAll(call.Now);
        account.IsProved = true;
        account.ResetToken = null;
        call.Audit("password.reset", target: null, "owner", account);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer VerifyEmail(Call call)
    {
        var body = call.Body<VerifyEmailRequest>();
        var rules = new FieldErrors();
        rules.Text("token", body.Token, LongestToken, required: true);
        rules.Text("password", body.Password, FieldRules.LongestPassword);
        rules.ThrowIfAny();
        var account = call.Server.Accounts.Find(account => account.VerificationToken?.IsValid(body.Token!, call.Now) == true)
            ?? throw InvalidToken();
        if (!string.IsNullOrEmpty(body.Password))
        {
            if (account.Password != body.Password)
                throw new ProblemException(Problems.Invalid("password", ProblemTexts.WrongPassword));
            account.IsProved = true;
        }

        if (!account.IsProved)
        {
            // Somebody else may have chosen the password.
            account.Password = Ids.Create().ToString();
            account.RevokeAll(call.Now);
            account.IsProved = true;
            call.Audit("password.removed", target: null, "owner", account);
        }

        account.VerificationToken = null;
        call.Audit("account.email_verified", target: null, "owner", account);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Delete(Call call)
    {
        var body = call.Body<DeleteAccountRequest>(whenEmpty: new());
        if (string.IsNullOrEmpty(body.Password))
            throw new ProblemException(Problems.Invalid("password", ProblemTexts.IsRequired));
        CheckPassword(call, body.Password);
        call.Audit("account.deleted", target: null);
        call.Account.Delete(call.Now);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Audit(Call call)
    {
        var entries = call.Account.Audit;
        var before = entries.Count;
        if (call.Parameter("cursor") is { } cursor
            && !(int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before) && before <= entries.Count))
            throw new ProblemException(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
        var first = Math.Max(0, before - AuditPage);
        var page = entries.GetRange(first, before - first);
        page.Reverse();
        return FakeAnswer.Json(new(page, first > 0 ? first.ToString(CultureInfo.InvariantCulture) : null), WireJson.Default.AuditPage);
    }

    private static AccountState? Find(Call call, string email) => call.Server.Accounts.Find(account => account.Email == email);

    private static string Normalize(string email) => email.Trim().ToLowerInvariant();

    private static void CheckPassword(Call call, string? password)
    {
        if (call.Account.Password != password)
            throw new ProblemException(Problems.Unauthenticated(ProblemTexts.WrongPassword));
    }

    private static ProblemException InvalidToken() => new(Problems.Invalid("token", ProblemTexts.EmailTokenUnknown));
}
