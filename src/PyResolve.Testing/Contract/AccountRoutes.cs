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
            throw new ProblemException(Problems.Forbidden(ProblemCodes.SignUpClosed, "This server takes no new accounts. Ask its operator for one."));
        var body = call.Body(WireJson.Default.SignUpRequest);
        var rules = new Rules();
        rules.Email("email", body.Email);
        rules.Password("password", body.Password);
        rules.Text("name", body.Name, LongestName);
        rules.ThrowIfAny();

        var email = Normalize(body.Email!);
        if (Find(call, email) is not null)
            throw new ProblemException(Problems.Conflict("There is an account with this e-mail already. Log in instead."));
        var name = string.IsNullOrWhiteSpace(body.Name) ? email.Split('@')[0] : body.Name.Trim();
        var account = call.Server.Open(email, body.Password!, name);
        var session = account.Books.Sessions[0];
        return FakeAnswer.Json(new(account.Books.User, account.Books.Keys[0].Secret, session.Token, session.ExpiresAt), WireJson.Default.SignUpResponse, 201);
    }

    public static FakeAnswer LogIn(Call call)
    {
        var body = call.Body(WireJson.Default.LogInRequest);
        var rules = new Rules();
        rules.Text("email", body.Email, 254, required: true);
        rules.Text("password", body.Password, Rules.LongestPassword, required: true);
        rules.ThrowIfAny();

        var account = Find(call, Normalize(body.Email!));
        if (account is null || account.Books.Password != body.Password)
            throw new ProblemException(Problems.Unauthenticated("Wrong e-mail or password."));
        var session = account.Books.OpenSession(call.Now);
        call.Audit("session.opened", target: null, "owner", account);
        return FakeAnswer.Json(new(account.Books.User, session.Token, session.ExpiresAt), WireJson.Default.LogInResponse);
    }

    public static FakeAnswer LogOut(Call call)
    {
        call.Account.Books.Sessions.RemoveAll(session => session.Token == call.Caller.SessionToken);
        call.Audit("session.ended", target: null);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Me(Call call)
    {
        var quota = call.Account.Books.Quota(call.Now);
        return FakeAnswer.Json(new(call.Account.Id, call.Account.Books.Email, quota.Plan, quota), WireJson.Default.AccountInfo);
    }

    public static FakeAnswer Rename(Call call)
    {
        var body = call.Body(WireJson.Default.UpdateAccountRequest);
        var rules = new Rules();
        rules.Text("name", body.Name, LongestName, required: true);
        rules.ThrowIfAny();
        call.Account.Books.Name = body.Name!.Trim();
        call.Audit("account.renamed", target: null);
        return FakeAnswer.Json(new(call.Account.Books.User), WireJson.Default.UpdatedAccount);
    }

    public static FakeAnswer ChangePassword(Call call)
    {
        var body = call.Body(WireJson.Default.ChangePasswordRequest);
        var rules = new Rules();
        rules.Text("current_password", body.CurrentPassword, Rules.LongestPassword, required: true);
        rules.Password("new_password", body.NewPassword);
        rules.ThrowIfAny();

        ThrowUnlessPassword(call, body.CurrentPassword);
        call.Account.Books.Password = body.NewPassword!;
        call.Account.Books.Sessions.RemoveAll(session => session.Token != call.Caller.SessionToken);
        call.Account.Books.ResetToken = null;
        call.Audit("password.changed", target: null);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer ForgetPassword(Call call)
    {
        var body = call.Body(WireJson.Default.ForgotPasswordRequest);
        var rules = new Rules();
        rules.Email("email", body.Email);
        rules.ThrowIfAny();
        if (Find(call, Normalize(body.Email!)) is { } account)
        {
            account.Books.ResetToken = new(call.Now.AddHours(1));
            call.Audit("password.reset_asked", target: null, account: account);
        }

        return FakeAnswer.Accepted;
    }

    public static FakeAnswer ResetPassword(Call call)
    {
        var body = call.Body(WireJson.Default.ResetPasswordRequest);
        var rules = new Rules();
        rules.Text("token", body.Token, LongestToken, required: true);
        rules.Password("password", body.Password);
        rules.ThrowIfAny();

        var account = call.Server.People.Find(account => account.Books.ResetToken?.IsGood(body.Token!, call.Now) == true) ?? throw Worthless();
        account.Books.Password = body.Password!;
        account.Books.Sessions.Clear();
        account.Books.ResetToken = null;
        call.Audit("password.reset", target: null, "owner", account);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer VerifyEmail(Call call)
    {
        var body = call.Body(WireJson.Default.VerifyEmailRequest);
        var rules = new Rules();
        rules.Text("token", body.Token, LongestToken, required: true);
        rules.ThrowIfAny();
        var account = call.Server.People.Find(account => account.Books.VerificationToken?.IsGood(body.Token!, call.Now) == true) ?? throw Worthless();
        account.Books.VerificationToken = null;
        call.Audit("account.email_verified", target: null, "owner", account);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Delete(Call call)
    {
        var body = call.Body(WireJson.Default.DeleteAccountRequest, whenEmpty: new());
        if (string.IsNullOrEmpty(body.Password))
            throw new ProblemException(Problems.Invalid("password", "is required."));
        ThrowUnlessPassword(call, body.Password);
        call.Audit("account.deleted", target: null);
        call.Account.Books.Delete(call.Now);
        return FakeAnswer.NoContent;
    }

    public static FakeAnswer Audit(Call call)
    {
        var entries = call.Account.Books.Audit;
        var before = entries.Count;
        if (call.Parameter("cursor") is { } cursor && !(int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before) && before <= entries.Count))
            throw new ProblemException(Problems.Malformed("The cursor is not one that this server gave. Leave it out to start at the newest entry."));
        var first = Math.Max(0, before - AuditPage);
        var page = entries.GetRange(first, before - first);
        page.Reverse();
        return FakeAnswer.Json(new(page, first > 0 ? first.ToString(CultureInfo.InvariantCulture) : null), WireJson.Default.AuditPage);
    }

    private static FakeAccount? Find(Call call, string email) => call.Server.People.Find(account => account.Books.Email == email);

    private static string Normalize(string email) => email.Trim().ToLowerInvariant();

    private static void ThrowUnlessPassword(Call call, string? password)
    {
        if (call.Account.Books.Password != password)
            throw new ProblemException(Problems.Unauthenticated("Wrong password."));
    }

    private static ProblemException Worthless() => new(Problems.Invalid("token", "is unknown, used or expired. Ask for a new email."));
}
