#if !NET
namespace System.Runtime.CompilerServices;

/// <summary>What the compiler fills with an argument's text; netstandard2.0 has none.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class CallerArgumentExpressionAttribute(string parameterName) : Attribute
{
    public string ParameterName { get; } = parameterName;
}
#endif
