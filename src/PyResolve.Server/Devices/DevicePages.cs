using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Devices;

/// <summary>
/// The page <c>/device</c>: sign in, compare the code, approve or deny. Its forms all post to the page itself, and a decision is answered
/// with a redirect, so that what a person reloads or sends on shows what is, and decides nothing.
/// </summary>
internal static class DevicePages
{
    private const int LongestTypedCode = 64;

    public static void MapDevicePages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/device", Show);
        pages.MapPost("/device", Act);
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, DeviceApprovals approvals, TimeProvider time)
    {
        var typed = Typed(http.Request.Query["user_code"]);
        if (await web.FindAsync(http) is not { } caller)
            return DeviceViews.SignIn(typed);
        if (typed is null)
            return DeviceViews.EnterCode(caller);

        var found = await approvals.FindAsync(typed, caller, Origin.AddressOf(http), http.RequestAborted);
        return found.Request is { } request
            ? DeviceViews.Of(request, caller, Origin.AddressOf(http), time.GetUtcNow())
            : DeviceViews.EnterCode(caller, typed, found.Refusal);
    }

    private static async Task<IResult> Act(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, LogIn logIn, DeviceApprovals approvals, DeviceCodes codes)
    {
        sameOrigin.Require(http);
        var form = await FormBody.ReadAsync(http);
        var typed = Typed(form["user_code"]);
        switch (form.Field("action"))
        {
            case "sign-in":
                return await SignInAsync(http, logIn, form, typed);
            case "sign-out":
                await web.EndAsync(http);
                return BackTo(http, typed);
            case "approve" or "deny" when typed is not null:
                if (await web.FindAsync(http) is not { } caller)
                    return DeviceViews.SignIn(typed, refusal: new Refusal(Problems.Unauthenticated("Your session has ended. Sign in again.")));
                return await DecideAsync(http, approvals, codes, typed, form.Field("action") is "approve", caller);
            default:
                throw new ProblemException(Problems.Malformed("This form lacks what it should do. Open the page anew."));
        }
    }

    private static async Task<IResult> SignInAsync(HttpContext http, LogIn logIn, IFormCollection form, string? typed)
    {
        WebSessions.RequireSafeConnection(http);
        var (email, password) = (form.Field("email"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("E-mail", email, Emails.Longest, required: true);
        errors.Text("Password", password, Passwords.Longest, required: true);
        if (errors.Problem is { } invalid)
            return DeviceViews.SignIn(typed, email, new Refusal(invalid));

        var outcome = await logIn.TryAsync(email!, password!, Origin.OfOwner(http), http.RequestAborted);
        if (outcome.Opened is not { } opened)
            return DeviceViews.SignIn(typed, email, new Refusal(outcome.Refusal!, outcome.RetryAfter));
        WebSessions.Keep(http, opened);
        return BackTo(http, typed);
    }

    private static async Task<IResult> DecideAsync(
        HttpContext http, DeviceApprovals approvals, DeviceCodes codes, string typed, bool approve, Caller caller)
    {
        var found = await approvals.FindAsync(typed, caller, Origin.AddressOf(http), http.RequestAborted);
        if (found.Request is not { } request)
            return DeviceViews.EnterCode(caller, typed, found.Refusal);
        await codes.DecideAsync(request, approve, caller, Origin.Of(http), http.RequestAborted);
        return BackTo(http, typed);
    }

    /// <summary>Relative, as the page's own addresses are.</summary>
    private static StatusCodeHttpResult BackTo(HttpContext http, string? typed)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.Location = typed is null ? "device" : $"device?user_code={Uri.EscapeDataString(typed)}";
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }

    private static string? Typed(Microsoft.Extensions.Primitives.StringValues values) =>
        values is [{ Length: > 0 and <= LongestTypedCode } text] && FieldErrors.IsPlainText(text) && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;
}
