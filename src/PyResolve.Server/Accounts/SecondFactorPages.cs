using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.SecondFactor;

namespace PyResolve.Server.Accounts;

/// <summary>The form that asks for a code. <c>Pending</c>: the token of the login that waits for it.</summary>
internal sealed record SecondFactorForm(string Pending, ProblemResult? Problem);

/// <summary>The second step of every sign-in on a page, also of the one on the page of a device login.</summary>
internal static class SecondFactorPages
{
    public static void MapSecondFactorPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/sign-in/code", static (HttpContext http) => PageUrls.SeeOther(http, "sign-in"));
        pages.MapPost("/sign-in/code", SignIn);
    }

    public static PageResult Ask(string pending, ProblemResult? problem = null) =>
        new("Enter the code", new Accounts_SecondFactorPage { Model = new SecondFactorForm(pending, problem) }) { Problem = problem };

    private static async Task<IResult> SignIn(HttpContext http, SameOrigin sameOrigin, SecondFactorLogin login)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (pending, code) = (form.Field("pending"), form.Field("code"));
        if (pending is not { Length: <= PendingLogins.MaxTokenLength })
            return PageUrls.SeeOther(http, "sign-in");
        var errors = new FieldErrors();
        errors.Code("code", code);
        if (errors.Problem is { } invalid)
            return Ask(pending, new ProblemResult(invalid));

        var outcome = await login.TryAsync(pending, code!, SessionClient.Of(http), http.RequestAborted);
        if (outcome.Value is not { } passed)
        {
            return outcome.Problem == AccountProblems.PendingLoginExpired
                ? SignInPages.StartAgain(http, outcome.Problem)
                : Ask(pending, outcome.Problem);
        }

        WebSessions.SetCookie(http, passed.Opened);
        return PageUrls.SeeOther(http, passed.Next);
    }
}
