namespace PyResolve.TestKit;

/// <summary>The size of a proof: small in <c>./test</c>, large in <c>./soak</c>, which sets <c>PYRESOLVE_SOAK=1</c>.</summary>
public static class Scale
{
    public static bool IsSoak { get; } = Environment.GetEnvironmentVariable("PYRESOLVE_SOAK") == "1";

    public static T Pick<T>(T shortForm, T longForm) => IsSoak ? longForm : shortForm;
}
