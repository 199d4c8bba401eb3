namespace PyResolve.Server.Access;

/// <summary>What a route asks of its caller.</summary>
/// <param name="Scope">The scope that a key must have; <see langword="null"/>: any key will do.</param>
/// <param name="SessionOnly">Whether only a session will do.</param>
internal sealed record AccessRequirement(string? Scope, bool SessionOnly = false);

internal static class AccessExtensions
{
    /// <summary>Any live key or session.</summary>
    public static TBuilder RequireCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null));

    /// <summary>A key with <paramref name="scope"/>, or a session.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, string scope)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(scope));

    /// <summary>A session: what a key must never do.</summary>
    public static TBuilder RequireSession<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null, SessionOnly: true));

    /// <summary>The caller, on a route that requires one.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("This route does not require a caller.");
}
