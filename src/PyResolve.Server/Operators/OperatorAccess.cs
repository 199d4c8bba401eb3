using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>Marks a route with the role that it needs.</summary>
internal sealed record OperatorRequirement(OperatorRole Role);

/// <summary>Marks the route of a form that needs no fresh proof of identity, because it changes nothing that one protects.</summary>
internal sealed record WithoutProof;

/// <summary>
/// Checks every request of an operator page or form: an account that is not an operator gets the answer of a path that does not exist, and
/// a form needs a sign-in from the last 15 minutes.
/// </summary>
internal static class OperatorAccess
{
    public static RouteGroupBuilder RequireOperator(this RouteGroupBuilder routes)
    {
        routes.AddEndpointFilter(static async (invocation, next) =>
            await RefuseAsync(invocation.HttpContext) ?? await next(invocation));
        return routes;
    }

    public static TBuilder RequireAdmin<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new OperatorRequirement(OperatorRole.Admin));

    public static TBuilder NeedsNoProof<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new WithoutProof());

    public static SignedInOperator Operator(this HttpContext http) =>
        http.Features.Get<SignedInOperator>() ?? throw new InvalidOperationException("This route does not require an operator.");

    /// <summary>Who did something and why, as an entry of the log names it.</summary>
    public static Origin OriginOf(HttpContext http, string? reason) =>
        Origin.Operator with { Address = Origin.AddressOf(http), OperatorId = http.Operator().UserId, Reason = reason };

    private static async Task<IResult?> RefuseAsync(HttpContext http)
    {
        var services = http.RequestServices;
        var caller = await services.GetRequiredService<WebSessions>().FindAsync(http);
        if (caller?.SessionId is not { } sessionId
            || await services.GetRequiredService<OperatorList>().FindAsync(sessionId, http.RequestAborted) is not { } found)
        {
            // Without its endpoint, which would write the problem as a page.
            http.SetEndpoint(null);
            return new ProblemResult(ProblemAnswers.ForStatus(StatusCodes.Status404NotFound));
        }

        http.Features.Set(found);
        var metadata = http.GetEndpoint()!.Metadata;
        if (HttpMethods.IsPost(http.Request.Method))
            services.GetRequiredService<SameOrigin>().Require(http);
        if (metadata.GetMetadata<OperatorRequirement>() is { Role: OperatorRole.Admin } && !found.IsAdmin)
            throw new ProblemException(Problems.Forbidden(ProblemCodes.ScopeMissing, "This needs the role admin: yours is support."));
        var now = services.GetRequiredService<TimeProvider>().GetInstant();
        return HttpMethods.IsPost(http.Request.Method) && metadata.GetMetadata<WithoutProof>() is null && !found.HasProofAt(now)
            ? PageUrls.SeeOther(http, $"operator/confirm?next={Uri.EscapeDataString(ConfirmPages.PageOf(http.Request.Path))}")
            : null;
    }
}
