#if NET
// Whoever compiled against the netstandard2.0 build calls setters whose signature names that build's own type, and finds it here.
[assembly: System.Runtime.CompilerServices.TypeForwardedTo(typeof(System.Runtime.CompilerServices.IsExternalInit))]
#else
namespace System.Runtime.CompilerServices;

/// <summary>What the compiler asks for where a member is init-only; netstandard2.0 has none.</summary>
internal static class IsExternalInit;
#endif
