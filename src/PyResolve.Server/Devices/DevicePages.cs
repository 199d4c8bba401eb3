using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Devices;

/// <summary>
/// The pages of a device login. A decision is answered with a redirect, so that reloading or sharing the page shows the state and decides
/// nothing.
/// </summary>
internal static class DevicePages
{
    private const int MaxTypedLength = 64;

    private static readonly ProblemResult SessionEnded = new(Problems.Unauthenticated("Your session has ended. Sign in again."));

    public static void MapDevicePages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/device", Show);
        pages.MapPost("/device", Act);
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, DeviceApprovals approvals, TimeProvider time)
    {
        // To look a code up is an attempt at guessing it.
        var typed = http.IsHead() ? null : Typed(http.Request.Query["user_code"]);
        if (await web.FindAsync(http) is not { } caller)
            return DeviceViews.SignIn(http, typed);
        if (typed is null)
            return DeviceViews.EnterCode(caller);

        var found = await approvals.FindAsync(typed, caller, Origin.AddressOf(http), http.RequestAborted);
        return found.Value is { } request
            ? DeviceViews.Of(request, caller, Origin.AddressOf(http), time.GetUtcNow())
            : DeviceViews.EnterCode(caller, typed, found.Problem);
    }

    private static async Task<IResult> Act(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, PasswordLogin login, DeviceApprovals approvals, DeviceCodes codes)
    {
        sameOrigin.Require(http);
        var form = await FormBody.ReadAsync(http);
        var typed = Typed(form["user_code"]);
        switch (form.Field("action"))
        {
            case "sign-in":
                return await SignInAsync(http, login, form, typed);
            case "sign-out":
                await web.EndAsync(http);
                return BackTo(http, typed);
            case "approve" or "deny" when typed is not null:
                if (await web.FindAsync(http) is not { } caller)
                    return DeviceViews.SignIn(http, typed, problem: SessionEnded);
                return await DecideAsync(http, approvals, codes, typed, form.Field("action") is "approve", caller);
            default:
                throw new ProblemException(Problems.Malformed("This form does not say what to do. Open the page again."));
        }
    }

    private static async Task<IResult> SignInAsync(HttpContext http, PasswordLogin login, IFormCollection form, string? typed)
    {
        WebSessions.RequireSafeConnection(http);
        var (email, password, _, invalid) = LoginForm.Read(form);
        if (invalid is not null)
            return DeviceViews.SignIn(http, typed, email, invalid);

        var outcome = await login.TryAsync(
            new LoginTry(email!, password!, SessionClient.Of(http)) { NextPage = PathOf(typed) }, http.RequestAborted);
        if (outcome.PendingToken is { } pending)
            return SecondFactorPages.Ask(pending);
        if (outcome.Opened is not { } opened)
            return DeviceViews.SignIn(http, typed, email, outcome.Problem);
        WebSessions.SetCookie(http, opened);
        return BackTo(http, typed);
    }

    private static async Task<IResult> DecideAsync(
        HttpContext http, DeviceApprovals approvals, DeviceCodes codes, string typed, bool approve, Caller caller)
    {
        var found = await approvals.FindAsync(typed, caller, Origin.AddressOf(http), http.RequestAborted);
        if (found.Value is not { } request)
            return DeviceViews.EnterCode(caller, typed, found.Problem);
        return await codes.DecideAsync(request, approve, caller, Origin.Of(http), http.RequestAborted)
            ? BackTo(http, typed)
            : DeviceViews.SignIn(http, typed, problem: SessionEnded);
    }

    private static IResult BackTo(HttpContext http, string? typed) => PageUrls.SeeOther(http, PathOf(typed));

    public static string PathOf(string? typed) =>
        typed is null ? "device" : $"device?user_code={Uri.EscapeDataString(typed)}";

    private static string? Typed(Microsoft.Extensions.Primitives.StringValues values) =>
        values is [{ Length: > 0 and <= MaxTypedLength } text] && FieldErrors.IsPlainText(text) && !string.IsNullOrWhiteSpace(text)
            ? text.Trim()
            : null;
}
