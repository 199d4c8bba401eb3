namespace PyResolve.Server.Access;

/// <summary>What a route requires of its caller.</summary>
/// <param name="Scope">The scope that a key must have; <see langword="null"/>: none.</param>
/// <param name="SessionOnly">Whether keys are refused.</param>
internal sealed record AccessRequirement(string? Scope, bool SessionOnly = false);

internal static class AccessExtensions
{
    /// <summary>Requires any valid key or session.</summary>
    public static TBuilder RequireCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null));

    /// <summary>Requires a key with <paramref name="scope"/>, or a session.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, string scope)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(scope));

    /// <summary>Requires a session: a leaked key must not be able to do this.</summary>
    public static TBuilder RequireSession<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRequirement(Scope: null, SessionOnly: true));

    public static Caller Caller(this HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("This route does not require a caller.");
}
