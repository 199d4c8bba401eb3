using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Accounts;

/// <summary>
/// The sign-in page. <c>Next</c>: the page under /app or /operator, or of a device, that a person asked for before signing in.
/// </summary>
internal sealed record SignInForm(
    string? Email, string? Next, ProblemResult? Problem, bool SignUpIsOpen, IReadOnlyList<SignInChoice> Choices);

/// <summary>The sign-up page. <c>Next</c>: as in <see cref="SignInForm"/>.</summary>
internal sealed record SignUpForm(
    string? Email, string? Name, string? Next, ProblemResult? Problem, IReadOnlyList<SignInChoice> Choices);

internal sealed record ForgotForm(string? Email, ProblemResult? Problem);

internal sealed record SignedUp(string ApiKey, string ServerUrl, bool IsMailSent, string? Next)
{
    public string NextText => Next switch
    {
        "app/plan" => "Go on to the plans",
        { } page when page.StartsWith("device", StringComparison.Ordinal) => "Go on to your device",
        _ => "Go to your overview",
    };
}

internal static class SignInPages
{
    public const string App = "app";
    private const string Operator = "operator";
    private const string Device = "device";
    private const string DeviceCode = $"{Device}?user_code=";
    private const int MaxNext = 200;

    public static void MapSignInPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/sign-in", ShowSignIn);
        pages.MapPost("/sign-in", SignIn);
        pages.MapSecondFactorPages();
        pages.MapGet("/sign-up", ShowSignUp);
        pages.MapPost("/sign-up", SignUp);
        pages.MapGet("/forgot", static (EmailOutbox outbox) => ForgotPage(outbox, email: null));
        pages.MapPost("/forgot", Forgot);
        pages.MapPost("/sign-out", SignOut);
    }

    /// <summary>Sends a person to the page where they have to sign in first.</summary>
    public static IResult Ask(HttpContext http) =>
        PageUrls.SeeOther(http, $"sign-in?next={Uri.EscapeDataString(http.Request.Path.Value!.TrimStart('/'))}");

    public static PageResult StartAgain(HttpContext http, ProblemResult problem) => SignInPage(http, email: null, next: null, problem);

    private static async Task<IResult> ShowSignIn(HttpContext http, WebSessions web)
    {
        var next = NextOf(http.Request.Query["next"]);
        return await web.FindAsync(http) is null ? SignInPage(http, email: null, next) : PageUrls.SeeOther(http, next ?? App);
    }

    private static async Task<IResult> SignIn(HttpContext http, SameOrigin sameOrigin, PasswordLogin login)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        var (email, password, next, invalid) = await LoginForm.ReadAsync(http);
        if (invalid is not null)
            return SignInPage(http, email, next, invalid);

        var outcome = await login.TryAsync(
            new LoginTry(email!, password!, SessionClient.Of(http)) { NextPage = next ?? App }, http.RequestAborted);
        if (outcome.PendingToken is { } pending)
            return SecondFactorPages.Ask(pending);
        if (outcome.Opened is not { } opened)
            return SignInPage(http, email, next, outcome.Problem);
        WebSessions.SetCookie(http, opened);
        return PageUrls.SeeOther(http, next ?? App);
    }

    private static async Task<IResult> ShowSignUp(HttpContext http, WebSessions web, ServerOptions options)
    {
        var next = NextOf(http.Request.Query["next"]);
        if (await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, next ?? App);
        return options.SignUpIsOpen ? SignUpPage(http, email: null, name: null, next) : Closed();
    }

    private static async Task<IResult> SignUp(
        HttpContext http, SameOrigin sameOrigin, AccountCreation creation, CommonPasswords common, EmailOutbox outbox, PublicUrl publicUrl,
        ServerOptions options)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        if (!options.SignUpIsOpen)
            return Closed();
        var form = await FormBody.ReadAsync(http);
        var (email, name, password) = (form.Field("email"), form.Field("name"), form.Field("password"));
        var next = NextOf(form.Field("next"));
        var errors = new FieldErrors();
        errors.Email("email", email);
        errors.Password("password", password, common, email);
        errors.Label("name", name, AccountEndpoints.MaxNameLength);
        if (errors.Problem is { } invalid)
            return SignUpPage(http, email, name, next, new ProblemResult(invalid));

        var outcome = await creation.TryAsync(
            EmailAddresses.Parse(email!)!, name, password!, SessionClient.Of(http), http.RequestAborted);
        if (outcome.Value is not { } created)
            return SignUpPage(http, email, name, next, outcome.Problem);
        WebSessions.SetCookie(http, new LogInResponse(created.User, created.SessionToken, created.SessionExpiresAt));
        var model = new SignedUp(created.ApiKey, publicUrl.Value, outbox.IsEnabled, next);
        return new PageResult("Your account is ready", new Accounts_SignedUpPage { Model = model })
        {
            Width = PageWidth.Wide, SignedInAs = created.User.Email,
        };
    }

    /// <summary>
    /// Sends a link for a forgotten password. The answer is always the same, as of the API: it must not show whether there is such an
    /// account.
    /// </summary>
    private static async Task<IResult> Forgot(
        HttpContext http, SameOrigin sameOrigin, AccountEmails emails, Throttle throttle, EmailOutbox outbox)
    {
        sameOrigin.Require(http);
        var email = (await FormBody.ReadAsync(http)).Field("email");
        var errors = new FieldErrors();
        errors.Email("email", email);
        if (errors.Problem is { } invalid)
            return ForgotPage(outbox, email, new ProblemResult(invalid));

        var origin = Origin.Of(http);
        var attempt = await throttle.RecordAsync(throttle.Rules.ResetFrom(origin.Address), http.RequestAborted);
        if (attempt.RetryAfter is null)
            await emails.SendResetAsync(email!, origin, http.RequestAborted);
        return Message.Page(new Message(
            "Look into your mailbox",
            "If there is an account with this address, a link to choose a new password is on its way. It works once, for an hour."));
    }

    private static async Task<IResult> SignOut(HttpContext http, SameOrigin sameOrigin, WebSessions web)
    {
        sameOrigin.Require(http);
        await web.EndAsync(http);
        return PageUrls.SeeOther(http, "sign-in");
    }

    private static PageResult SignInPage(HttpContext http, string? email, string? next, ProblemResult? problem = null)
    {
        var options = http.RequestServices.GetRequiredService<ServerOptions>();
        var model = new SignInForm(email, next, problem, options.SignUpIsOpen, ChoicesOf(http));
        return new("Sign in", new Accounts_SignInPage { Model = model }) { Problem = problem };
    }

    private static PageResult SignUpPage(HttpContext http, string? email, string? name, string? next, ProblemResult? problem = null)
    {
        var model = new SignUpForm(email, name, next, problem, ChoicesOf(http));
        return new("Create an account", new Accounts_SignUpPage { Model = model }) { Problem = problem };
    }

    public static IReadOnlyList<SignInChoice> ChoicesOf(HttpContext http) =>
        http.RequestServices.GetRequiredService<SignInChoices>().All;

    private static PageResult ForgotPage(EmailOutbox outbox, string? email, ProblemResult? problem = null) => outbox.IsEnabled
        ? new("Forgotten password", new Accounts_ForgotPage { Model = new ForgotForm(email, problem) }) { Problem = problem }
        : Message.Page(new Message(
            "Forgotten password", "This server sends no email. Ask who runs it for a link that sets a new password."));

    private static PageResult Closed()
    {
        var message = new Message("Sign-up is closed", ProblemTexts.SignUpClosed) { Link = ("sign-in", "Sign in") };
        return new(message.Heading, new Pages_MessagePage { Model = message })
        {
            Problem = new ProblemResult(Problems.Forbidden(ProblemCodes.SignUpClosed, ProblemTexts.SignUpClosed)),
        };
    }

    /// <summary>
    /// Reads a path to go on to, if it is a page of ours: a link must not send a person to another site after signing in.
    /// </summary>
    public static string? NextOf(string? path) =>
        path is { Length: <= MaxNext } && ((path.Split('/')[0] is App or Operator && path.All(IsOfPath)) || IsDevice(path)) ? path : null;

    private static bool IsOfPath(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '/' or '-';

    /// <summary>Whether the path is the page of a device login, with the code that the person brought or without one.</summary>
    private static bool IsDevice(string path) => path == Device
        || (path.StartsWith(DeviceCode, StringComparison.Ordinal)
            && path[DeviceCode.Length..].All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-'));
}
