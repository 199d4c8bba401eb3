namespace PyResolve.StripeSimulator.Control;

/// <summary>The controls over HTTP.</summary>
internal static class ControlEndpoints
{
    public static void MapControl(this IEndpointRouteBuilder routes)
    {
    }
}
