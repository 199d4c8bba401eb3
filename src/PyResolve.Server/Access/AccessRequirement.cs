namespace PyResolve.Server.Access;

/// <summary>What a route requires of its caller. Without a scope, any key will do, unless only sessions are allowed.</summary>
internal sealed record AccessRequirement(string? Scope, bool SessionOnly = false);

internal static class AccessExtensions
{
    public static TBuilder RequireCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null));

    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, string scope)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(scope));

    /// <summary>Requires a session: a leaked key must not be able to call the route.</summary>
    public static TBuilder RequireSession<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null, SessionOnly: true));

    public static Caller Caller(this HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("This route does not require a caller.");
}
