#if NET
// Code compiled against the netstandard2.0 build calls setters whose signature names that build's own type. It is forwarded here.
[assembly: System.Runtime.CompilerServices.TypeForwardedTo(typeof(System.Runtime.CompilerServices.IsExternalInit))]
#endif
